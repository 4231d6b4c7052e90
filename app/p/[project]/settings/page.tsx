import { redirect } from "next/navigation";
import { routes } from "@/components/routes";

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  redirect(routes.settingsPart(decodeURIComponent((await params).project), "people"));
}
