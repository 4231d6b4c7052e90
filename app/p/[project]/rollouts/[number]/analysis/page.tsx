import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { AnalysisPage } from "@/components/rollouts/analysis-page";

type Props = { params: Promise<{ number: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Analysis of rollout #${(await params).number}` };
}

export default async function Page({ params }: Props) {
  const number = Number((await params).number);
  if (!Number.isSafeInteger(number) || number < 1) notFound();
  return <AnalysisPage number={number} />;
}
