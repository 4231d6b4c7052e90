import type { State } from "@/components/state";
import type { RouterOutputs } from "@/server/trpc";

export type Hook = RouterOutputs["hooks"]["list"][number];
export type Delivery = RouterOutputs["hooks"]["deliveries"]["items"][number];

/** How an endpoint is, as one of the five states. */
export const hookStateOf = (hook: Hook): State => (hook.state === "off" ? "pending" : hook.failures > 0 ? "failing" : hook.dead > 0 ? "degraded" : hook.lastDeliveredAtMs === null ? "pending" : "healthy");
export const hookStateWord = (hook: Hook): string => (hook.state === "off" ? "off" : hook.failures > 0 ? `failing, ${hook.failures} in a row` : hook.dead > 0 ? "has dead letters" : hook.lastDeliveredAtMs === null ? "nothing sent yet" : "delivering");

export const deliveryState: Record<Delivery["state"], State> = { waiting: "pending", delivered: "healthy", dead: "failing" };
export const deliveryWord = (delivery: Delivery): string => (delivery.state === "waiting" ? (delivery.attempts === 0 ? "waiting" : `tried ${delivery.attempts} times`) : delivery.state === "dead" ? "dead letter" : "delivered");
