/** Checks that look at one file at a time: its length, name and forbidden words. */

import type { Finding, RepositoryFile } from "./finding.ts";
import { lineAt } from "./source_text.ts";

/** More lines than this cannot be one subject. */
const maxLines = 500;

/** Text that is data or prose, and as long as it needs to be. */
const unmeasured = /\.(md|lock|json|jsonl|pem|svg)$|(^|\/)(LICENSE|fixtures|golden)(\/|$)/;

/** Names that say nothing about what is inside. */
const emptyNames = new Set(["common", "helper", "helpers", "misc", "types", "util", "utils"]);

// The words are put together here, or this file would find itself.
const marker = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X".repeat(3)].join("|")})\\b`, "g");
const registryHosts = ["registry." + "npmjs.org", "registry." + "yarnpkg.com"];
const machineFolder = ["", "work", ""].join("/");

/** All findings of one file; `registryUrl` is the package registry this machine is set to, if any. */
export function checkText(file: RepositoryFile, registryUrl?: string): Finding[] {
  const isData = /(^|\/)fixtures\/|\.lock$/.test(file.path);
  return [
    ...checkLength(file),
    ...checkName(file),
    ...(isData ? [] : checkMarkers(file)),
    ...checkMachine(file, registryUrl),
  ];
}

function checkLength({ path, text }: RepositoryFile): Finding[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lines <= maxLines || unmeasured.test(path)) return [];
  return [{
    path,
    line: maxLines + 1,
    what: `The file has ${lines} lines, at most ${maxLines} are allowed`,
    why: "A longer file holds more than one subject",
    instead: "Move one of its subjects to a file of that name",
  }];
}

function checkName({ path }: RepositoryFile): Finding[] {
  const names = path.split("/").map((name) => name.replace(/(_test)?\.[a-z]+$/, ""));
  const empty = names.find((name) => emptyNames.has(name));
  if (empty === undefined || !path.endsWith(".ts")) return [];
  return [{
    path,
    line: 1,
    what: `"${empty}" is not a name`,
    why: "It collects what has nothing in common",
    instead: "Name the file or folder after its subject",
  }];
}

function checkMarkers({ path, text }: RepositoryFile): Finding[] {
  return [...text.matchAll(marker)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    what: `${match[0]} in the text`,
    why: "Unfinished work hides in files",
    instead: "Finish it, or open an issue and remove the word",
  }));
}

function checkMachine({ path, text }: RepositoryFile, registryUrl?: string): Finding[] {
  const hosts = registryUrl === undefined ? [] : [new URL(registryUrl).host];
  return [machineFolder, ...registryHosts, ...hosts].flatMap((word) => {
    const index = text.indexOf(word);
    if (index < 0) return [];
    return [{
      path,
      line: lineAt(text, index),
      what: `"${word}" in the text`,
      why: "It is a place of one machine or network and means nothing elsewhere",
      instead: "Use a relative path, or the client's own configuration",
    }];
  });
}
