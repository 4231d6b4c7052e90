/** What a unit takes, as its revision's columns say it: the same few columns in every query that adds up or shows it. */
export interface DemandColumns {
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  /** Whole devices. */
  deviceCount: number;
  deviceModel: string | null;
  /** Thousandths of one device. */
  deviceShare: number | null;
  sliceProfile: string | null;
  sliceCount: number;
}
export interface DemandSql {
  cpu_millis: number;
  memory_bytes: string;
  disk_bytes: string;
  device_count: number;
  device_model: string | null;
  device_share: number | null;
  slice_profile: string | null;
  slice_count: number;
}
/** Of `object_revisions r`. */
export const DEMAND_COLUMNS = "r.cpu_millis, r.memory_bytes::text, r.disk_bytes::text, r.device_count, r.device_model, r.device_share, r.slice_profile, r.slice_count";
export const demandColumns = (r: DemandSql): DemandColumns => ({ cpuMillis: r.cpu_millis, memoryBytes: Number(r.memory_bytes), diskBytes: Number(r.disk_bytes), deviceCount: r.device_count, deviceModel: r.device_model, deviceShare: r.device_share, sliceProfile: r.slice_profile, sliceCount: r.slice_count });

/** The device that a share is on, out of an assignment's columns. */
export const sharedOn = (slot: number | null, model: string | null): { slot: number; model: string } | null => (slot === null ? null : { slot, model: model ?? "" });
