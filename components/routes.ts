/** Every address of the console. Screens take links from here and write none by hand. */

const enc = encodeURIComponent;
const withQuery = (path: string, query?: Record<string, string | undefined>) => {
  const pairs = Object.entries(query ?? {}).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
};

export const routes = {
  root: () => "/",
  signIn: (callbackUrl?: string) => withQuery("/sign-in", { callbackUrl }),
  changePassword: (callbackUrl?: string) => withQuery("/sign-in", { change: "password", callbackUrl }),

  home: (project: string) => `/p/${enc(project)}`,

  fleet: (project: string, query?: { q?: string; node?: string }) => withQuery(`/p/${enc(project)}/fleet`, query),
  node: (project: string, name: string) => `/p/${enc(project)}/fleet/nodes/${enc(name)}`,
  site: (project: string, name: string) => `/p/${enc(project)}/fleet/sites/${enc(name)}`,
  topology: (project: string, query?: { site?: string; workload?: string }) => withQuery(`/p/${enc(project)}/topology`, query),

  capacity: (project: string, query?: { repair?: string; site?: string }) => withQuery(`/p/${enc(project)}/capacity`, query),
  workloads: (project: string, query?: { q?: string }) => withQuery(`/p/${enc(project)}/workloads`, query),
  workloadNew: (project: string) => `/p/${enc(project)}/workloads/new`,
  workload: (project: string, name: string, query?: { tab?: string; unit?: string; decision?: string; node?: string }) =>
    withQuery(`/p/${enc(project)}/workloads/${enc(name)}`, query),
  /** The change that would place a unit, or send it to a node, in the editor. */
  workloadChange: (project: string, name: string, query: { unit: string; node?: string }) => withQuery(`/p/${enc(project)}/workloads/${enc(name)}/change`, query),

  queue: (project: string) => `/p/${enc(project)}/queue`,
  quotas: (project: string) => `/p/${enc(project)}/quotas`,

  /** What a change to the fleet would do: the change stands in the address. */
  whatIf: (project: string, query?: { do?: string; site?: string; to?: string; node?: string }) => withQuery(`/p/${enc(project)}/what-if`, query),

  policies: (project: string) => `/p/${enc(project)}/policies`,
  policyNew: (project: string) => `/p/${enc(project)}/policies/new`,
  policy: (project: string, name: string) => `/p/${enc(project)}/policies/${enc(name)}`,

  rollouts: (project: string, query?: { q?: string }) => withQuery(`/p/${enc(project)}/rollouts`, query),
  rolloutNew: (project: string, query?: { workload?: string }) => withQuery(`/p/${enc(project)}/rollouts/new`, query),
  rollout: (project: string, number: number, part?: "analysis" | "rollback") => `/p/${enc(project)}/rollouts/${number}${part ? `/${part}` : ""}`,
  emergency: (project: string) => `/p/${enc(project)}/freezes`,

  approvals: (project: string) => `/p/${enc(project)}/approvals`,
  approval: (project: string, id: string) => `/p/${enc(project)}/approvals/${enc(id)}`,

  audit: (project: string, query?: { q?: string; object?: string }) => withQuery(`/p/${enc(project)}/audit`, query),
  auditEntry: (project: string, seq: string) => `/p/${enc(project)}/audit/${enc(seq)}`,

  settings: (project: string) => `/p/${enc(project)}/settings`,
  settingsPart: (project: string, part: SettingsPart) => `/p/${enc(project)}/settings/${part}`,
} as const;

/** The parts of the settings, each a page. */
export const settingsParts = ["people", "join", "tokens", "identity", "secrets", "hooks", "about"] as const;
export type SettingsPart = (typeof settingsParts)[number];
