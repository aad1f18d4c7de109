import { readdirSync, readFileSync } from 'node:fs';

/** Linux reports CPU time in hundredths of a second, whatever the kernel's own tick. */
const TICK_US = 10_000;

interface Times {
  readonly parent: number;
  /** User and system time, in microseconds. */
  readonly ownUs: number;
  /** The same of children that have ended. */
  readonly endedChildrenUs: number;
}

/**
 * CPU time some processes and everything they started have used so far, in microseconds, to the hundredth of a second.
 * Needs Linux. @throws Error where there is no such process
 */
export function cpuOfTrees(...rootPids: readonly number[]): number {
  const all = readAllTimes();
  for (const pid of rootPids) {
    if (!all.has(pid)) throw new Error(`there is no process ${pid}`);
  }
  const tree = new Set(rootPids);
  let grown = true;
  while (grown) {
    grown = false;
    for (const [pid, { parent }] of all) {
      if (!tree.has(parent) || tree.has(pid)) continue;
      tree.add(pid);
      grown = true;
    }
  }
  return [...tree].reduce((sum, pid) => {
    const times = all.get(pid);
    return times === undefined ? sum : sum + times.ownUs + times.endedChildrenUs;
  }, 0);
}

/** CPU time all processes of the machine have used since it started, in microseconds. */
export function cpuOfMachine(): number {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0] = line.trim().split(/ +/).slice(1).map(Number);
  return (user + nice + system) * TICK_US;
}

function readAllTimes(): Map<number, Times> {
  const times = new Map<number, Times>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const found = readTimes(name);
    if (found !== null) times.set(Number(name), found);
  }
  return times;
}

function readTimes(pid: string): Times | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold spaces; the fields after it are counted from the state, field 3.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return { parent: fields[1] ?? 0, ownUs: (utime + stime) * TICK_US, endedChildrenUs: (cutime + cstime) * TICK_US };
  } catch {
    return null;
  }
}
