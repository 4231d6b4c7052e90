import type { Role } from "@/server/core/access/roles";

/** What each role is for, in one line. */
export const roleMeaning: Record<Role, string> = {
  administrator: "Everything, also people, tokens, enrolment and settings.",
  operator: "Applies manifests, runs rollouts, cordons and drains nodes.",
  approver: "Signs plans of rollouts that others wrote; reads logs.",
  auditor: "Reads everything with the audit log; changes nothing.",
  viewer: "Reads fleet, workloads and rollouts; changes nothing.",
};
