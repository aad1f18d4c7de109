import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** For a run, and for each file of it. */
const RUN_TIMEOUT_MS = 150_000;
const FILE_TIMEOUT_MS = 30_000;
const SERVER_TEST = /\.(pg|nats|e2e)\.test\.ts$/;

export interface TestOutcome {
  readonly file: string;
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'other';
  readonly failure: string;
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/**
 * Runs test files of a copy of the project in a process of their own, and answers those tests that were not skipped.
 * @param title a part of the titles to run; all where it is empty
 */
export async function runTests(directory: string, files: readonly string[], title: string): Promise<TestOutcome[]> {
  const report = join(directory, 'report.json');
  const projects = new Set(files.map((file) => (SERVER_TEST.test(file) ? 'real' : 'fast')));
  const args = [
    join('node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...files,
    ...[...projects].flatMap((project) => ['--project', project]),
    ...(title === '' ? [] : ['--testNamePattern', patternOf(title)]),
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  await runToEnd(directory, args, RUN_TIMEOUT_MS + files.length * FILE_TIMEOUT_MS);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as JsonReport;
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const ran = assertionResults.filter((test) => test.status === 'passed' || test.status === 'failed');
    const outcomes = ran.map(
      (test): TestOutcome => ({
        file: name,
        title: test.fullName,
        status: test.status as 'passed' | 'failed',
        failure: test.failureMessages?.[0] ?? '',
      }),
    );
    const isLoaded = assertionResults.length > 0;
    return isLoaded ? outcomes : [{ file: name, title: '', status: 'other', failure: message ?? 'it has no tests' }];
  });
}

/** Between a group of tests and its tests vitest looks for ` > ` where its report has a blank. */
function patternOf(title: string): string {
  const words = title.split(' ').map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return words.join('(?: | > )');
}

/** Whether the tests failed is in the report; only that there is one matters here. */
function runToEnd(directory: string, args: readonly string[], timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, ...env } = process.env;
    const child = spawn(process.execPath, [...args], { cwd: directory, env, stdio: 'ignore', timeout });
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
}
