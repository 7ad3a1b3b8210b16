/** `quorus completion bash|zsh|fish`: shell completion, made from the tree of verbs. */

import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";

type Shell = "bash" | "zsh" | "fish";

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Flag[];
  /** Words that its first argument may be; files where there are none. */
  readonly words: readonly string[];
}

interface Flag {
  readonly long: string;
  readonly short: string | null;
  readonly description: string;
  readonly values: readonly string[];
  readonly takesValue: boolean;
}

/** Prints the script; `source <(quorus completion bash)`. */
export function completionVerb(process: Process, shell: Shell, program: Command): ExitCode {
  const verbs = program.commands.map(verbOf);
  const write = { bash: bashScript, zsh: zshScript, fish: fishScript };
  process.out(write[shell](verbs));
  return EXIT.ok;
}

function verbOf(command: Command): Verb {
  return {
    name: command.name(),
    description: command.description(),
    words: command.registeredArguments[0]?.argChoices ?? [],
    options: command.options.filter(({ long }) => long !== undefined && long !== null).map((
      option,
    ) => ({
      long: option.long ?? "",
      short: option.short ?? null,
      description: option.description,
      values: option.argChoices ?? [],
      takesValue: option.required || option.optional,
    })),
  };
}

function bashScript(verbs: readonly Verb[]): string {
  const cases = verbs.map(({ name, options, words }) => {
    const flags = [...options.map(({ long }) => long), "--help"].join(" ");
    return `    ${name}) flags="${flags}"; words="${words.join(" ")}" ;;`;
  });
  return `# bash completion of quorus: source <(quorus completion bash)
_quorus() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" flags="" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${
    [...verbs.map(({ name }) => name), "help"].join(" ")
  }" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  case "$previous" in
${valueCases(verbs)}
  esac
  if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current"));
  elif [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current"));
  else COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _quorus quorus
`;
}

/** Options with a list of values, each once. */
function valueCases(verbs: readonly Verb[]): string {
  const flags = new Map<string, Flag>();
  for (const flag of verbs.flatMap(({ options }) => options)) {
    if (flag.values.length > 0) flags.set(flag.long, flag);
  }
  return [...flags.values()].map(({ long, short, values }) =>
    `    ${short === null ? long : `${short}|${long}`}) COMPREPLY=($(compgen -W "${
      values.join(" ")
    }" -- "$current")); return ;;`
  ).join("\n");
}

function zshScript(verbs: readonly Verb[]): string {
  const list = verbs.map(({ name, description }) => `    '${name}:${zshText(description)}'`);
  const cases = verbs.map(({ name, options, words }) => {
    const rest = words.length > 0 ? `'1:value:(${words.join(" ")})'` : "'*:file:_files'";
    const flags = options.map((flag) => `'${zshFlag(flag)}'`);
    return `    ${name}) _arguments ${[...flags, rest].join(" \\\n      ")} ;;`;
  });
  return `#compdef quorus
# zsh completion of quorus: quorus completion zsh > "\${fpath[1]}/_quorus"
_quorus() {
  local -a verbs=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then _describe 'verb' verbs; return; fi
  local verb=$words[2]
  shift words; (( CURRENT-- ))
  case $verb in
${cases.join("\n")}
  esac
}
compdef _quorus quorus
`;
}

function zshFlag({ long, description, values, takesValue }: Flag): string {
  const value = values.length > 0
    ? `:value:(${values.join(" ")})`
    : takesValue
    ? ":value:_files"
    : "";
  return `*${long}[${zshText(description)}]${value}`;
}

function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll("[", "(").replaceAll("]", ")").replaceAll(
    ":",
    ",",
  );
}

function fishScript(verbs: readonly Verb[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = verbs.flatMap(({ name, description, options, words }) => {
    const inVerb = `-n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c quorus -f -n __fish_use_subcommand -a ${name} -d ${quote(description)}`,
      words.length > 0
        ? `complete -c quorus -f ${inVerb} -a ${quote(words.join(" "))}`
        : `complete -c quorus -F ${inVerb}`,
      ...options.map(({ long, short, values, takesValue, description: text }) =>
        [
          `complete -c quorus ${inVerb} -l ${long.slice(2)}`,
          ...(short === null ? [] : [`-s ${short.slice(1)}`]),
          ...(values.length > 0 ? [`-x -a ${quote(values.join(" "))}`] : takesValue ? ["-r"] : []),
          `-d ${quote(text)}`,
        ].join(" ")
      ),
    ];
  });
  return `# fish completion of quorus: quorus completion fish > ~/.config/fish/completions/quorus.fish
${lines.join("\n")}
`;
}
