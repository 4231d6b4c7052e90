import type { Metadata } from "next";
import { ApprovalPage } from "@/components/approvals/approval-page";

export const metadata: Metadata = { title: "Approval" };

type Props = { params: Promise<{ id: string }> };

export default async function Page({ params }: Props) {
  return <ApprovalPage id={decodeURIComponent((await params).id)} />;
}
