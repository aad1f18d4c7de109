import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { readHeader, type StockColumnName } from './columns.ts';
import { readRow, type StockRow } from './stock-row.ts';

/** The longest line that is read, in bytes. */
const RECORD_MAX_BYTES = 65_536;

/** What reading found: rows that can be used, and sentences about what cannot. */
export type StockFileEvent =
  | { readonly kind: 'row'; readonly row: StockRow }
  | { readonly kind: 'problem'; readonly line: number; readonly message: string };

/**
 * Reads a CSV file row by row in bounded memory. Commas separate, a byte order mark and empty lines are skipped.
 * @param onBytes sees each piece of the file as it is read
 * @throws an error of the file system where the file cannot be read
 */
export async function* readStockFile(
  path: string,
  onBytes: (piece: Buffer) => void = () => undefined,
): AsyncGenerator<StockFileEvent> {
  let names: StockColumnName[] = [];
  let headerProblems: string[] | undefined;
  const parser = parse({
    bom: true,
    info: true,
    trim: true,
    skip_empty_lines: true,
    max_record_size: RECORD_MAX_BYTES,
    columns: (cells: string[]) => {
      const header = readHeader(cells);
      names = header.names;
      headerProblems = header.problems;
      return cells.map((_, at) => String(at));
    },
  });
  const file = createReadStream(path);
  const tap = new Transform({
    transform(piece: Buffer, _encoding, done) {
      onBytes(piece);
      done(null, piece);
    },
  });
  file.once('error', (error) => parser.destroy(error));
  file.pipe(tap).pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (headerProblems !== undefined && headerProblems.length > 0) break;
      const named = Object.fromEntries(names.map((name, at) => [name, record[String(at)] ?? '']));
      const { row, problems } = readRow(named, info.lines);
      if (problems.length === 0) yield { kind: 'row', row };
      for (const message of problems) yield { kind: 'problem', line: info.lines, message };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    yield { kind: 'problem', line: Number(error.lines ?? 1), message: csvComplaint(error) };
    return;
  } finally {
    file.destroy();
  }
  for (const message of headerProblems ?? ['the file is empty']) yield { kind: 'problem', line: 1, message };
}

interface Parsed {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

function csvComplaint(error: CsvError): string {
  if (error.code.startsWith('CSV_RECORD_INCONSISTENT')) return 'there are more or fewer cells than columns';
  if (error.code === 'CSV_MAX_RECORD_SIZE') return `the line is longer than ${RECORD_MAX_BYTES} bytes`;
  if (error.code.includes('QUOTE')) return 'a quotation mark stands where none may stand, or is never closed';
  return error.message;
}
