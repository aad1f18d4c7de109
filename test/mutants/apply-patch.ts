/** One place a unified diff changes: the lines it expects, and the lines that take their place. */
interface Hunk {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** What one patch does to one file. */
export interface FilePatch {
  readonly path: string;
  readonly hunks: readonly Hunk[];
}

const FILE_HEADER = /^\+\+\+ b\/(\S+)/;

/**
 * Reads a unified diff of `a/` against `b/`; text before the first file is a description.
 * @throws Error where it changes nothing or a line has no meaning
 */
export function parsePatch(text: string): FilePatch[] {
  const files: { path: string; hunks: { before: string[]; after: string[] }[] }[] = [];
  let hunk: { before: string[]; after: string[] } | null = null;
  for (const line of text.split('\n')) {
    const path = FILE_HEADER.exec(line)?.[1];
    if (path !== undefined) files.push({ path, hunks: [] });
    if (path !== undefined || line.startsWith('--- a/')) {
      hunk = null;
    } else if (line.startsWith('@@')) {
      hunk = { before: [], after: [] };
      files.at(-1)?.hunks.push(hunk);
    } else if (hunk !== null && line !== '') {
      const [mark, rest] = [line[0], line.slice(1)];
      if (mark !== ' ' && mark !== '-' && mark !== '+') throw new Error(`this is no line of a diff: ${line}`);
      if (mark !== '+') hunk.before.push(rest);
      if (mark !== '-') hunk.after.push(rest);
    }
  }
  if (files.length === 0 || files.some((file) => file.hunks.length === 0)) throw new Error('the patch changes nothing');
  return files;
}

/**
 * Applies the hunks of one file. Line numbers may have moved; every line must be as it was, at exactly one place.
 * @throws Error where a hunk fits nowhere or at several places
 */
export function applyPatch({ path, hunks }: FilePatch, text: string): string {
  let lines = text.split('\n');
  for (const { before, after } of hunks) {
    const fits = (_: string, at: number) => before.every((line, offset) => lines[at + offset] === line);
    const places = lines.flatMap((line, at) => (fits(line, at) ? [at] : []));
    const [place, another] = places;
    if (place === undefined || another !== undefined) {
      throw new Error(`a change of ${path} fits at ${places.length} places: ${before[0]}`);
    }
    lines = [...lines.slice(0, place), ...after, ...lines.slice(place + before.length)];
  }
  return lines.join('\n');
}
