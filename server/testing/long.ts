/** True in exhaustive runs (`npm run test:long`): more examples, longer simulations. */
export const isLong = process.env["HOLDFAST_LONG"] === "1";
