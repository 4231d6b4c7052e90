import type { z } from "zod";
import type { Actor, ProjectRef } from "../core/access/actor";
import type * as v from "../core/views";
import type { Input } from "./inputs";

/**
 * What the routers need from the features, in the shape that every feature's `create…(deps)` returns: questions
 * take (project, input, actor), commands take (actor, project, input). `server/bin/web.ts` hands the real ones in;
 * the compiler refuses a feature that answers with another view.
 */
type Of<T extends z.ZodType> = z.input<T>;
type Question<I, O> = (project: ProjectRef, input: I, actor: Actor) => Promise<O>;
type Command<I, O> = (actor: Actor, project: ProjectRef, input: I) => Promise<O>;
/** Of questions without an input of their own: what is left is the project, which they already have. */
type None = object;
type Done = Of<typeof v.done>;

export interface FleetFeature {
  queries: {
    home: Question<None, Of<typeof v.homeView>>;
    search: Question<Input<"search">, Of<typeof v.searchHit>[]>;
    sites: Question<None, Of<typeof v.siteSummary>[]>;
    site: Question<Input<"byName">, Of<typeof v.siteDetail>>;
    nodes: Question<Input<"nodes">, Of<typeof v.nodePage>>;
    node: Question<Input<"byName">, Of<typeof v.nodeDetail>>;
    topology: Question<Input<"topology">, Of<typeof v.topologyView>>;
    units: Question<Input<"units">, Of<typeof v.unitPage>>;
    unit: Question<Input<"unit">, Of<typeof v.unitRow>>;
  };
  commands: {
    cordon: Command<Input<"nodeCommand">, Done>;
    uncordon: Command<Input<"nodeCommand">, Done>;
    drain: Command<Input<"nodeCommand">, Done>;
    decommission: Command<Input<"nodeCommand">, Done>;
    cordonSite: Command<Input<"siteCommand">, Done>;
    uncordonSite: Command<Input<"siteCommand">, Done>;
    drainSite: Command<Input<"siteCommand">, Done>;
  };
}

export interface IdentityFeature {
  queries: { joinTokens: Question<None, Of<typeof v.joinTokenRow>[]> };
  commands: {
    createJoinToken: Command<Input<"createJoinToken">, Of<typeof v.joinTokenIssued>>;
    revokeJoinToken: Command<Input<"byId">, Done>;
    revokeNode: Command<Input<"revokeNode">, Done>;
  };
}

export interface WorkloadsFeature {
  queries: {
    schema: () => unknown;
    validate: Question<Input<"validate">, Of<typeof v.validateResult>>;
    objects: Question<Input<"objects">, Of<typeof v.objectPage>>;
    object: Question<Input<"object">, Of<typeof v.objectDetail>>;
    list: Question<Input<"workloads">, Of<typeof v.workloadPage>>;
    get: Question<Input<"byName">, Of<typeof v.workloadDetail>>;
    revisions: Question<Input<"byName">, Of<typeof v.revisionRow>[]>;
    revision: Question<Input<"revision">, Of<typeof v.revisionDetail>>;
    secrets: Question<None, Of<typeof v.secretRow>[]>;
  };
  commands: {
    apply: Command<Input<"apply">, Of<typeof v.applyResult>>;
    remove: Command<Input<"removeObject">, Done>;
    scale: Command<Input<"scale">, Done>;
    rollBackTo: Command<Input<"rollBackTo">, Done>;
    liftHold: Command<Input<"liftHold">, Done>;
    setSecret: Command<Input<"setSecret">, Done>;
    removeSecret: Command<Input<"byName">, Done>;
  };
}

export interface PlacementFeature {
  queries: {
    matches: Question<Input<"matches">, Of<typeof v.matchPreview>>;
    decisions: Question<Input<"decisions">, Of<typeof v.decisionPage>>;
    decision: Question<Input<"byId">, Of<typeof v.decisionDetail>>;
    explain: Question<Input<"explain">, Of<typeof v.decisionDetail>>;
    whyNot: Question<Input<"whyNot">, Of<typeof v.whyNotView>>;
    preview: Question<Input<"preview">, Of<typeof v.previewView>>;
    replay: Question<Input<"replay">, Of<typeof v.replayView>>;
    queue: Question<None, Of<typeof v.queueView>>;
    quotas: Question<None, Of<typeof v.quotaTreeView>>;
    capacity: Question<Input<"capacity">, Of<typeof v.capacityView>>;
    repairPlan: Question<Input<"repairPlan">, Of<typeof v.repairPlanView>>;
    repairs: Question<None, Of<typeof v.repairRow>[]>;
  };
  commands: { repairRun: Command<Input<"repairRun">, Of<typeof v.repairStarted>> };
}

export interface RolloutsFeature {
  queries: {
    list: Question<Input<"rollouts">, Of<typeof v.rolloutPage>>;
    get: Question<Input<"byNumber">, Of<typeof v.rolloutDetail>>;
    analysis: Question<Input<"rolloutAnalysis">, Of<typeof v.analysisHistory>>;
    bundle: Question<Input<"rolloutBundle">, Of<typeof v.verdictBundle>>;
    emergency: Question<None, Of<typeof v.emergencyView>>;
    holds: Question<None, Of<typeof v.holdView>[]>;
    preview: Question<Input<"rolloutPreview">, Of<typeof v.rolloutPreview>>;
    approvals: Question<Input<"approvals">, Of<typeof v.approvalPage>>;
    approval: Question<Input<"byId">, Of<typeof v.approvalView>>;
  };
  commands: {
    create: Command<Input<"rolloutCreate">, Done & { number: number }>;
    pause: Command<Input<"rolloutCommand">, Done>;
    resume: Command<Input<"rolloutCommand">, Done>;
    promote: Command<Input<"rolloutCommand">, Done>;
    abort: Command<Input<"rolloutCommand">, Done>;
    decide: Command<Input<"decide">, Done>;
    freeze: Command<Input<"freeze">, Done>;
    thaw: Command<Input<"thaw">, Done>;
    abortAll: Command<Input<"abortAll">, Done>;
    breakGlass: Command<Input<"breakGlass">, Done>;
    reviewGlass: Command<Input<"reviewGlass">, Done>;
  };
}

export interface TelemetryFeature {
  queries: {
    node: Question<Input<"nodeCharts">, Of<typeof v.chartView>[]>;
    workload: Question<Input<"workloadCharts">, Of<typeof v.chartView>[]>;
    unit: Question<Input<"unitCharts">, Of<typeof v.chartView>[]>;
    readLogs: Question<Input<"logsRead">, LogsRead>;
  };
  commands: { openLogs: Command<Input<"logsOpen">, { requestId: string }> };
}
export type LogsRead = { chunks: { seq: number; offset: number; text: string }[]; state: "waiting" | "open" | "ended"; error: string | null };

export interface HooksFeature {
  queries: {
    list: Question<None, Of<typeof v.hookRow>[]>;
    deliveries: Question<Input<"hookDeliveries">, Of<typeof v.hookDeliveryPage>>;
  };
  commands: {
    create: Command<Input<"hookCreate">, Of<typeof v.hookMade>>;
    update: Command<Input<"hookUpdate">, Done>;
    remove: Command<Input<"byName">, Done>;
    rotate: Command<Input<"byName">, Done & { secret: string }>;
    test: Command<Input<"byName">, Done>;
    sendAgain: Command<Input<"hookSendAgain">, Done>;
  };
}

export interface ArtifactsFeature {
  queries: {
    list: Question<None, Of<typeof v.artifactRow>[]>;
    get: Question<Input<"byDigest">, Of<typeof v.artifactRow>>;
  };
}

export interface AuditFeature {
  queries: {
    list: Question<Input<"auditList">, Of<typeof v.auditPage>>;
    get: Question<Input<"auditGet">, Of<typeof v.auditDetail>>;
  };
}

export interface AccessFeature {
  queries: {
    me: (actor: Actor) => Promise<v.MeView>;
    signInOptions: () => Promise<SignInOptions>;
    people: Question<None, Of<typeof v.personRow>[]>;
    invitations: Question<None, Of<typeof v.invitationRow>[]>;
    tokens: Question<None, Of<typeof v.serviceTokenRow>[]>;
    identityProvider: Question<None, Of<typeof v.identityProviderView>>;
    /** Resolves a project's name; null when there is none. */
    project: (name: string) => Promise<ProjectRef | null>;
  };
  commands: {
    signInForToken: (input: Input<"signIn">, from: RequestOrigin) => Promise<{ token: string; expiresAtMs: number; mustChangePassword: boolean }>;
    acceptInvitation: (input: Input<"acceptInvitation">, from: RequestOrigin) => Promise<{ login: string }>;
    changePassword: (actor: Actor, input: Input<"changePassword">) => Promise<Done>;
    endSession: (actor: Actor) => Promise<Done>;
    invite: Command<Input<"invite">, Of<typeof v.invitationRow> & { token: string; url: string }>;
    revokeInvitation: Command<Input<"byId">, Done>;
    setRoles: Command<Input<"setRoles">, Done>;
    deactivate: Command<Input<"personCommand">, Done>;
    activate: Command<Input<"personCommand">, Done>;
    createToken: Command<Input<"createToken">, Of<typeof v.serviceTokenRow> & { token: string }>;
    revokeToken: Command<Input<"byId">, Done>;
    setIdentityProvider: Command<Input<"setIdentityProvider">, Done>;
    reportPilot: Command<Input<"pilotReport">, Done>;
  };
}
export type SignInOptions = { password: true; identityProvider: { name: string } | null };
/** Where a request came from, as far as sign-in throttling and session rows need it. */
export type RequestOrigin = { address: string | null; userAgent: string | null; requestId: string };

/** Every feature behind the tRPC door. */
export interface Features {
  fleet: FleetFeature;
  identity: IdentityFeature;
  workloads: WorkloadsFeature;
  placement: PlacementFeature;
  rollouts: RolloutsFeature;
  telemetry: TelemetryFeature;
  artifacts: ArtifactsFeature;
  hooks: HooksFeature;
  audit: AuditFeature;
  access: AccessFeature;
}
