import type { Metadata } from "next";
import { PolicyPage } from "@/components/policies/policy-page";

type Props = { params: Promise<{ name: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

export default async function Page({ params }: Props) {
  return <PolicyPage name={decodeURIComponent((await params).name)} />;
}
