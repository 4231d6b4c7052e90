import type { Metadata } from "next";
import { SitePage } from "@/components/fleet/site-page";

type Props = { params: Promise<{ name: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

export default async function Page({ params }: Props) {
  return <SitePage name={decodeURIComponent((await params).name)} />;
}
