/**
 * The two small shell scripts between the agent and a unit. They cost well under a megabyte and outlive the agent,
 * so that a unit's exit status is kept although nobody was there to wait for it.
 *
 * Arguments of both: folder, launch id, files of control groups to enter (joined by ':'), data limit in KiB or '-',
 * then the unit's command. Files in the folder: pid.ID, main.ID, exit.ID.
 */

/** Enters control groups and sets limits, then becomes the program: no moment of it runs without its limits. */
const ENTER = `
IFS=:
for f in $cg; do echo 0 >"$f" || { echo "holdfast: cannot enter the control group $f" >&2; exit 126; }; done
unset IFS
ulimit -c 0
[ "$data" = - ] || ulimit -d "$data" || exit 126
exec "$@"
`;

const MAIN = `
d=$1 id=$2 cg=$3 data=$4; shift 4
echo "$$" >"$d/main.$id"
${ENTER}`;

/**
 * Watches the unit. It first writes its own pid, then checks that its launch is still the wanted one: a restarted agent
 * voids a launch of unknown outcome by replacing the id in the file \`launch\` before it looks for the pid file. So
 * either the agent sees the pid, or this script sees that it is void; a unit never runs twice.
 *
 * Signals meant for the group reach this script too; it takes note (trap with a no-op) and stays, to write the exit
 * status once its foreground command is done (POSIX 2.11: traps wait for the foreground command).
 */
const WATCH = `
d=$1 id=$2
echo "$$" >"$d/pid.$id" || exit 125
read -r want <"$d/launch" || exit 125
[ "$want" = "$id" ] || exit 125
trap : HUP INT QUIT TERM USR1 USR2
/bin/sh -c '${MAIN}' holdfast-main "$@"
r=$?
echo "$r" >"$d/exit.$id"
exit "$r"
`;

/** Program and arguments that start a unit. */
export function shimCommand(o: { folder: string; launchId: string; enter: readonly string[]; dataLimitKiB: number | null; command: readonly string[] }): { program: string; args: string[] } {
  return { program: "/bin/sh", args: ["-c", WATCH, "holdfast-unit", o.folder, o.launchId, o.enter.join(":"), o.dataLimitKiB === null ? "-" : String(o.dataLimitKiB), ...o.command] };
}

/** Program and arguments that run something behind the same limits without being watched: probes and health checks. */
export function limitedCommand(o: { enter: readonly string[]; dataLimitKiB: number | null; command: readonly string[] }): { program: string; args: string[] } {
  return { program: "/bin/sh", args: ["-c", `cg=$1 data=$2; shift 2\n${ENTER}`, "holdfast-limited", o.enter.join(":"), o.dataLimitKiB === null ? "-" : String(o.dataLimitKiB), ...o.command] };
}
