"use client";

import type { QueryFilters } from "@tanstack/react-query";
import { useTRPC } from "./trpc";

/** Which queries show what a topic is about: the one map from change pointers to refetches. */
export function useStaleOn(): (topic: string) => readonly QueryFilters[] {
  const trpc = useTRPC();
  return (topic) => {
    switch (topic) {
      case "node":
      case "site":
        return [trpc.fleet.pathFilter(), trpc.home.pathFilter(), trpc.placement.matches.pathFilter(), trpc.placement.whyNot.pathFilter(), trpc.placement.capacity.pathFilter(), trpc.placement.repairPlan.pathFilter(), trpc.workloads.list.pathFilter()];
      case "assignment":
      case "observation":
        return [trpc.fleet.pathFilter(), trpc.home.pathFilter(), trpc.workloads.list.pathFilter(), trpc.workloads.get.pathFilter(), trpc.rollouts.pathFilter(), trpc.placement.queue.pathFilter(), trpc.placement.quotas.pathFilter(), trpc.placement.capacity.pathFilter(), trpc.placement.repairs.pathFilter()];
      case "workload":
        return [trpc.placement.capacity.pathFilter(), trpc.placement.repairs.pathFilter(), trpc.placement.repairPlan.pathFilter(), trpc.placement.queue.pathFilter(), trpc.placement.quotas.pathFilter(), trpc.workloads.pathFilter(), trpc.manifests.objects.pathFilter(), trpc.manifests.object.pathFilter(), trpc.home.pathFilter(), trpc.fleet.topology.pathFilter()];
      case "policy":
      case "object":
        return [trpc.manifests.objects.pathFilter(), trpc.manifests.object.pathFilter(), trpc.placement.pathFilter(), trpc.home.pathFilter()];
      case "decision":
        return [trpc.placement.pathFilter()];
      case "rollout":
        return [trpc.rollouts.pathFilter(), trpc.workloads.pathFilter(), trpc.home.pathFilter()];
      case "approval":
        return [trpc.approvals.pathFilter(), trpc.rollouts.pathFilter(), trpc.home.pathFilter()];
      case "telemetry":
        return [trpc.workloads.list.pathFilter(), trpc.workloads.get.pathFilter(), trpc.home.pathFilter()];
      case "artifact":
        return [trpc.artifacts.pathFilter()];
      case "person":
        return [trpc.people.pathFilter(), trpc.invitations.pathFilter(), trpc.me.pathFilter()];
      case "token":
        return [trpc.tokens.pathFilter(), trpc.fleet.joinTokens.pathFilter()];
      case "secret":
        return [trpc.secrets.pathFilter()];
      case "hook":
        return [trpc.hooks.pathFilter()];
      case "audit":
        return [trpc.audit.pathFilter()];
      case "project":
        return [trpc.me.pathFilter(), trpc.rollouts.pathFilter()];
      default:
        return [];
    }
  };
}
