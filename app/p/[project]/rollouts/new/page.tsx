import type { Metadata } from "next";
import { ComposerPage } from "@/components/rollouts/composer-page";

export const metadata: Metadata = { title: "New rollout" };

export default function Page() {
  return <ComposerPage />;
}
