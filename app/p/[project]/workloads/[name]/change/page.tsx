import type { Metadata } from "next";
import { FlipPage } from "@/components/decisions/flip-page";

type Props = { params: Promise<{ name: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Change ${decodeURIComponent((await params).name)}` };
}

export default async function Page({ params }: Props) {
  return <FlipPage workload={decodeURIComponent((await params).name)} />;
}
