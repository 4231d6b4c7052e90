import type { Metadata } from "next";
import { AboutPage } from "@/components/settings/about-page";

export const metadata: Metadata = { title: "About and health" };

export default function Page() {
  return <AboutPage />;
}
