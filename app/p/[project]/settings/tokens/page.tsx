import type { Metadata } from "next";
import { TokensPage } from "@/components/settings/tokens-page";

export const metadata: Metadata = { title: "Service tokens" };

export default function Page() {
  return <TokensPage />;
}
