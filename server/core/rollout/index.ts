/** Pure half of rollouts: the lifecycle table, plans and their leaves, and the planner of the next step. */
export * from "./lifecycle";
export * from "./plan";
export * from "./steps";
