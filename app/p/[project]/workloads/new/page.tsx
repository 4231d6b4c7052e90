import type { Metadata } from "next";
import { NewWorkloadPage } from "@/components/workloads/new-workload-page";

export const metadata: Metadata = { title: "New workload" };

export default function Page() {
  return <NewWorkloadPage />;
}
