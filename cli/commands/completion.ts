import type { Command } from "commander";
import { usage } from "../io";
import type { Context } from "../session";
import { kinds } from "./kinds";

type Words = { path: string[]; words: string[] };

/** Every command path with the words that may follow it: subcommands, options, and kinds for `get` and `describe`. */
function wordsOf(command: Command, path: string[] = []): Words[] {
  const subcommands = command.commands.filter((c) => c.name() !== "help");
  const own = [...subcommands.map((c) => c.name()), ...command.options.flatMap((o) => [o.long, o.short].filter((x): x is string => Boolean(x)))];
  const following = path.length === 1 && ["get", "describe"].includes(path[0] ?? "") ? kinds.map((k) => k.names[0]) : path[0] === "completion" ? ["bash", "zsh", "fish"] : [];
  return [{ path, words: [...own, ...following] }, ...subcommands.flatMap((c) => wordsOf(c, [...path, c.name()]))];
}

function bash(all: Words[]): string {
  const cases = all.map(({ path, words }) => `    "${path.join(" ")}") words="${words.join(" ")}" ;;`).join("\n");
  return `# holdfast completion for bash: source <(holdfast completion bash)
_holdfast() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in -*) ;; *) path="\${path:+$path }\${COMP_WORDS[i]}" ;; esac
  done
  while :; do
    case "$path" in
${cases}
    *) case "$path" in *" "*) path="\${path% *}"; continue ;; "") ;; *) path=""; continue ;; esac ;;
    esac
    break
  done
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _holdfast holdfast
`;
}

const zsh = (all: Words[]): string => `#compdef holdfast
# holdfast completion for zsh: source <(holdfast completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(all)}`;

function fish(all: Words[]): string {
  const lines = all.flatMap(({ path, words }) => {
    const here = path.length === 0 ? "__fish_use_subcommand" : path.map((p) => `__fish_seen_subcommand_from ${p}`).join("; and ");
    return words.map((w) => (w.startsWith("--") ? `complete -c holdfast -n '${here}' -l ${w.slice(2)}` : w.startsWith("-") ? `complete -c holdfast -n '${here}' -s ${w.slice(1)}` : `complete -c holdfast -n '${here}' -f -a ${w}`));
  });
  return `# holdfast completion for fish: holdfast completion fish | source\n${lines.join("\n")}\n`;
}

/** `completion`: a script for the shell, made from the commands as they are. */
export function completionCommand(program: Command, ctx: Context): void {
  program
    .command("completion")
    .description("print the completion script of a shell: bash, zsh or fish")
    .argument("<shell>")
    .action((shell: string) => {
      const all = wordsOf(program);
      if (shell === "bash") ctx.io.out(bash(all));
      else if (shell === "zsh") ctx.io.out(zsh(all));
      else if (shell === "fish") ctx.io.out(fish(all));
      else throw usage(`There is no completion for '${shell}'. Use bash, zsh or fish.`);
    });
}
