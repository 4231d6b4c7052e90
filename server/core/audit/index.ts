/** The pure half of the audit log: action codes, sentences, differences, safe CSV. */
export * from "./actions";
export * from "./changes";
export * from "./csv";
export * from "./sentence";
