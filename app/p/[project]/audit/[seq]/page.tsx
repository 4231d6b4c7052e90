import type { Metadata } from "next";
import { AuditEntryPage } from "@/components/audit/entry-page";

type Props = { params: Promise<{ seq: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).seq) };
}

export default async function Page({ params }: Props) {
  return <AuditEntryPage seq={decodeURIComponent((await params).seq)} />;
}
