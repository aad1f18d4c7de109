import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of the processes named, the one that owns a TCP connection from a local port, or null. Linux only. */
export function processOfLocalPort(port: number, pids: readonly number[]): number | null {
  const inode = inodeOfLocalPort(port);
  if (inode === null) return null;
  return pids.find((pid) => socketsOf(pid).includes(`socket:[${inode}]`)) ?? null;
}

function inodeOfLocalPort(port: number): string | null {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, local, , state, , , , , , inode] = fields;
    if (state === '01' && local?.endsWith(`:${hexPort}`) && inode !== undefined) return inode;
  }
  return null;
}

function socketsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      return [readlinkSync(`${directory}/${fd}`)];
    } catch {
      return [];
    }
  });
}
