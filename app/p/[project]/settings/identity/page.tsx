import type { Metadata } from "next";
import { IdentityPage } from "@/components/settings/identity-page";

export const metadata: Metadata = { title: "Identity provider" };

export default function Page() {
  return <IdentityPage />;
}
