/** The pure half of webhooks: what can be told, in which words and shapes, and when to try again. */
export * from "./events";
export * from "./payload";
export * from "./retry";
