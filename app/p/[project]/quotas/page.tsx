import type { Metadata } from "next";
import { QuotasPage } from "@/components/queue/quotas-page";

export const metadata: Metadata = { title: "Quotas" };

export default function Page() {
  return <QuotasPage />;
}
