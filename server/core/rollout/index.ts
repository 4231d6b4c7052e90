/** Pure half of rollouts: the lifecycle table, plans and their leaves, and the planner of the next step. */
export * from "./lifecycle";
export * from "./plan";
export * from "./steps";
export * from "./snapshot";
export * from "./graph";
export * from "./windows";
export * from "./consent";
export * from "./gates";
export * from "./breach";
export * from "./proof";
export * from "./lint";
export * from "./classify";
