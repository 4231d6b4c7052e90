import type { Metadata } from "next";
import { JoinPage } from "@/components/settings/join-page";

export const metadata: Metadata = { title: "Join tokens" };

export default function Page() {
  return <JoinPage />;
}
