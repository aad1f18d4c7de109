import type { Writable } from 'node:stream';

/** Where a command writes. */
export interface Terminal {
  /** The answer. Resolves when the text is handed over, so that a slow reader slows the command down. */
  write(text: string): Promise<void>;
  /** Everything that is not the answer. */
  writeError(text: string): void;
  /** Whether a person watches standard error, so that a progress bar is welcome. */
  readonly isInteractive: boolean;
  /** Where a progress bar is drawn. */
  readonly errorStream: Writable;
}

/** @param onReaderGone called when the reader of the answer, such as `head`, has closed its end */
export function openTerminal(
  stdout: NodeJS.WriteStream,
  stderr: NodeJS.WriteStream,
  onReaderGone: () => void,
): Terminal {
  let isReaderGone = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isReaderGone = true;
    onReaderGone();
  });
  return {
    write: (text) => {
      if (isReaderGone) return Promise.resolve();
      return new Promise((resolve) => {
        stdout.write(text, () => resolve());
      });
    },
    writeError: (text) => {
      stderr.write(text);
    },
    isInteractive: stderr.isTTY === true,
    errorStream: stderr,
  };
}
