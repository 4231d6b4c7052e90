import {
  Boxes,
  FileClock,
  Grid3x3,
  House,
  ListOrdered,
  Network,
  PieChart,
  Rocket,
  ScrollText,
  Server,
  Settings,
  Stamp,
  type LucideIcon,
} from "lucide-react";
import { routes } from "@/components/routes";

export type NavEntry = { key: string; label: string; icon: LucideIcon; href: (project: string) => string };

/** The menu. A feature that is not built has no entry. `key` is pressed after G to go there. */
export const navEntries: readonly NavEntry[] = [
  { key: "h", label: "Home", icon: House, href: (p) => routes.home(p) },
  { key: "f", label: "Fleet", icon: Server, href: (p) => routes.fleet(p) },
  { key: "t", label: "Topology", icon: Network, href: (p) => routes.topology(p) },
  { key: "w", label: "Workloads", icon: Boxes, href: (p) => routes.workloads(p) },
  { key: "q", label: "Queue", icon: ListOrdered, href: (p) => routes.queue(p) },
  { key: "o", label: "Quotas", icon: PieChart, href: (p) => routes.quotas(p) },
  { key: "c", label: "Capacity", icon: Grid3x3, href: (p) => routes.capacity(p) },
  { key: "p", label: "Policies", icon: ScrollText, href: (p) => routes.policies(p) },
  { key: "r", label: "Rollouts", icon: Rocket, href: (p) => routes.rollouts(p) },
  { key: "a", label: "Approvals", icon: Stamp, href: (p) => routes.approvals(p) },
  { key: "u", label: "Audit", icon: FileClock, href: (p) => routes.audit(p) },
  { key: "s", label: "Settings", icon: Settings, href: (p) => routes.settings(p) },
];

/** Whether an entry is the place of a path: Home only for itself, the others for all below them. */
export function isCurrent(entry: NavEntry, project: string, pathname: string): boolean {
  const href = entry.href(project);
  return entry.key === "h" ? pathname === href : pathname === href || pathname.startsWith(`${href}/`);
}
