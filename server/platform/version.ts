import packageJson from "../../package.json" with { type: "json" };

/** The version of Holdfast that runs, from package.json. */
export const HOLDFAST_VERSION: string = packageJson.version;
