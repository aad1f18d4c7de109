import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import cliProgress from 'cli-progress';
import { CommandFailure, UsageError } from '../failures.ts';
import type { Session } from '../session.ts';
import { type CheckedFile, checkStockFile } from '../stock-file/check-stock-file.ts';
import { type ImportRun, importBatch, importWarehouses } from '../stock-file/import-rows.ts';
import { FileChanged, rowBatches } from '../stock-file/row-batches.ts';

interface ImportOptions {
  readonly isCheck: boolean;
  readonly isAgain: boolean;
}

/** Letters of the file's hash that name its import. */
const NAME_LETTERS = 32;

/** What an import did. */
interface ImportResult {
  rows: number;
  /** Rows of batches that had been imported before. */
  repeatedRows: number;
  batches: number;
}

/**
 * Checks the whole file, then sends it in batches.
 * @throws CommandFailure where the file cannot be imported
 * @throws UsageError where it cannot be read
 */
export async function importStock(session: Session, path: string, options: ImportOptions): Promise<void> {
  const file = await check(path);
  if (options.isCheck)
    return await report(session, `${basename(path)}: ${file.rows} rows, nothing wrong.`, {
      rows: file.rows,
      sha256: file.sha256,
    });
  const again = options.isAgain ? `-${session.newId()}` : '';
  const name = `import-${file.sha256.slice(0, NAME_LETTERS)}${again}`;
  const result = await send({ session, name, warehouses: file.warehouses }, path, file);
  const repeated =
    result.repeatedRows === 0
      ? ''
      : `\n${result.repeatedRows} of them had been imported from this same file before and were left alone; ` +
        '--again counts them anew.';
  const text = `${basename(path)}: ${result.rows} rows imported for ${file.warehouses.size} warehouses.${repeated}`;
  await report(session, text, { ...result, sha256: file.sha256 });
}

async function check(path: string): Promise<CheckedFile> {
  const file = await checkStockFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined || error.syscall === undefined) throw error;
    throw new UsageError(`${path} cannot be read: ${error.code}`);
  });
  if (!('problems' in file)) return file;
  const more = file.count - file.problems.length;
  const rest = more > 0 ? [`and ${more} more`] : [];
  throw new CommandFailure([`${path} was not imported:`, ...file.problems, ...rest].join('\n  '));
}

async function send(run: ImportRun, path: string, file: CheckedFile): Promise<ImportResult> {
  const { session } = run;
  const result: ImportResult = { rows: 0, repeatedRows: 0, batches: 0 };
  const hash = createHash('sha256');
  const bar = startProgress(session, file.rows);
  try {
    await importWarehouses(run);
    for await (const rows of rowBatches(path, (piece) => hash.update(piece))) {
      result.batches += 1;
      const isRepeated = await importBatch(run, rows, result.batches);
      result.rows += rows.length;
      if (isRepeated) result.repeatedRows += rows.length;
      bar?.update(result.rows);
    }
  } catch (error) {
    session.terminal.writeError(`${path}: ${result.rows} of ${file.rows} rows were imported before it broke off.\n`);
    if (error instanceof FileChanged) throw changed(path);
    throw error;
  } finally {
    bar?.stop();
  }
  if (hash.digest('hex') !== file.sha256) throw changed(path);
  return result;
}

function changed(path: string): CommandFailure {
  return new CommandFailure(`${path} changed while it was imported; import it again.`);
}

function startProgress(session: Session, rows: number): cliProgress.SingleBar | undefined {
  if (!session.terminal.isInteractive || session.isJson) return undefined;
  const bar = new cliProgress.SingleBar(
    {
      stream: session.terminal.errorStream as NodeJS.WriteStream,
      format: 'importing {bar} {value} of {total} rows · {eta_formatted} left',
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(rows, 0);
  return bar;
}

async function report(session: Session, text: string, facts: Readonly<Record<string, unknown>>): Promise<void> {
  await session.terminal.write(`${session.isJson ? JSON.stringify(facts) : text}\n`);
}
