import type { Metadata } from "next";
import { EmergencyPage } from "@/components/freeze/emergency-page";

export const metadata: Metadata = { title: "Freezes and emergency" };

export default function Page() {
  return <EmergencyPage />;
}
