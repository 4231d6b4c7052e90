import packageJson from "../package.json" with { type: "json" };

/** Version of the agent, from package.json; told to the gateway in `hello`. */
export const AGENT_VERSION: string = packageJson.version;
