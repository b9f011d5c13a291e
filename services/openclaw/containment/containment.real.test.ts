import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type SandboxRoot, closeRoot, openRoot } from '../files/walk.ts'
import { bubblewrap } from './bubblewrap.ts'
import type { Containment } from './contained-command.ts'
import { findContainment } from './find-containment.ts'
import { closeInheritedDescriptors } from './inherited-descriptors.ts'
import { programShelf } from './program-identity.ts'
import { PROGRAM_LIMITS, type ProgramLimits } from './program-limits.ts'
import { runContained, runInSpare } from './run-contained.ts'
import { createSpares } from './spares.ts'
import { unshare } from './unshare.ts'

const home = mkdtempSync(join(tmpdir(), 'sonia-contained-'))
const sandbox = join(home, 'sandbox')
// As private as a supervisor may make it: the contained user alone may enter.
mkdirSync(sandbox, { mode: 0o700 })
writeFileSync(join(sandbox, 'a.txt'), 'alpha\n')
writeFileSync(join(home, 'secret'), 'secret')
symlinkSync(join(home, 'secret'), join(sandbox, 'link'))
const isRoot = process.getuid?.() === 0
// A user of its own: process limits count per user.
const id = 61_184 + (process.pid % 4_000)
const user = isRoot ? { uid: id, gid: id } : null
if (user !== null) execFileSync('chown', [`${user.uid}`, sandbox])
// Whatever started the tests may have left descriptors open for its children, as it may for the service.
closeInheritedDescriptors()
const root = openRoot(sandbox)
const shelf = programShelf({ path: '/usr/bin', owners: [0] })
after(() => {
  closeRoot(root)
  rmSync(home, { recursive: true })
})

const rights = { prlimit: '/usr/bin/prlimit', setpriv: '/usr/bin/setpriv' }
const bwrap = bubblewrap({ bwrap: '/usr/bin/bwrap', ...rights }, user)
const means: readonly Means[] = [
  { title: 'bubblewrap', containment: bwrap, isAhead: false },
  { title: 'bubblewrap, prepared ahead', containment: bwrap, isAhead: true },
  {
    title: 'unshare',
    containment: unshare({ unshare: '/usr/bin/unshare', sh: '/bin/sh', mountPoint: '/mnt', ...rights }, user),
    isAhead: false,
  },
]

interface Means {
  readonly title: string
  readonly containment: Containment
  /** Whether the process is there before the command is known. */
  readonly isAhead: boolean
}

interface Extra {
  readonly timeoutMs?: number
  readonly limits?: Partial<ProgramLimits>
  readonly from?: SandboxRoot
}

/** Runs any program inside, also those that no grammar allows: the containment must hold for all. */
async function run({ containment, isAhead }: Means, argv: readonly [string, ...string[]], extra: Extra = {}) {
  const program = shelf.open(argv[0])
  const [, ...rest] = argv
  const words = [program.identity.path, ...rest] as const
  const limits = { ...PROGRAM_LIMITS, ...extra.limits }
  const rootFd = (extra.from ?? root).fd
  const bounds = { timeoutMs: extra.timeoutMs ?? 5_000, signal: new AbortController().signal }
  const command = { argv: words, programFd: program.fd, rootFd, folder: [], limits, cpuSecondsMax: 5 }
  const spares = isAhead
    ? createSpares({ containment, rootFd, limits, shelf, programs: [argv[0]], cpuSecondsMax: 5, count: 1 })
    : null
  try {
    spares?.fill()
    const spare = spares?.take(program.identity) ?? null
    assert.equal(spare !== null, isAhead)
    if (spare === null) return await runContained(containment, command, bounds)
    return await runInSpare(
      spare,
      { folder: '/sandbox', argv: words, outputBytesMax: limits.outputBytesMax },
      bounds,
    )
  } finally {
    await spares?.close()
    closeSync(program.fd)
  }
}

const script = (text: string): ['bash', '-c', string] => ['bash', '-c', text]

for (const way of means) {
  const { containment } = way
  describe(`contained by ${way.title}`, () => {
    test('a program sees the sandbox, system folders, and nothing else of the host', async () => {
      const { stdout } = await run(way, ['ls', '/'])
      assert.deepEqual(stdout.trim().split('\n'), [
        'bin',
        'dev',
        'lib',
        'lib64',
        'proc',
        'sandbox',
        'sbin',
        'tmp',
        'usr',
      ])
      assert.equal((await run(way, ['cat', 'a.txt'])).stdout, 'alpha\n')
    })

    test('a link out of the sandbox leads nowhere', async () => {
      const { exitCode, stdout } = await run(way, ['cat', 'link', '/etc/passwd', '/proc/1/root/etc/passwd'])
      assert.notEqual(exitCode, 0)
      assert.equal(stdout, '')
    })

    test('nothing but the sandbox and the private /tmp can be written', async () => {
      const { stdout } = await run(
        way,
        script(
          'for f in /x /usr/x /usr/bin/cat /dev/x /proc/sys/x /tmp/ok /sandbox/ok; do (: >$f) 2>/dev/null && echo $f; done',
        ),
      )
      assert.deepEqual(stdout.trim().split('\n'), ['/tmp/ok', '/sandbox/ok'])
      assert.equal(existsSync('/tmp/ok'), false)
    })

    test('the environment is built from nothing', async () => {
      const { stdout } = await run(way, ['env'])
      const names = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0] ?? '')
      assert.deepEqual(
        names.filter((name) => !/^(?:PATH|LANG|HOME|TMPDIR|PWD|OLDPWD|SHLVL|_|GIT_.*)$/.test(name)),
        [],
      )
    })
  })

  describe(`kept in by ${way.title}`, () => {
    test('no network, no rights, no way to get any', async () => {
      const { stdout } = await run(
        way,
        script(
          'grep -E "^(CapEff|CapBnd|CapPrm|NoNewPrivs)" /proc/self/status; ls /proc/net/dev >/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1',
        ),
      )
      assert.match(stdout, /CapPrm:\s0{16}\nCapEff:\s0{16}\nCapBnd:\s0{16}\nNoNewPrivs:\s1/)
      assert.deepEqual(
        stdout
          .trim()
          .split('\n')
          .slice(4)
          .map((name) => name.trim()),
        ['lo'],
      )
    })

    test('only descriptors 0 to 2 are open', async () => {
      const { stdout } = await run(way, script('echo /proc/self/fd/*'))
      const numbers = stdout
        .trim()
        .split(' ')
        .map((path) => Number(path.split('/').at(-1)))
      // 3 is the listing itself; 255 would be bash reading a script file.
      assert.deepEqual(
        numbers.filter((fd) => fd > 3),
        [],
      )
    })

    test('a daemon does not outlive the call', async () => {
      const mark = `sonia-daemon-${process.pid}`
      const { end } = await run(
        way,
        script(`(exec -a ${mark} setsid sleep 60 >/dev/null 2>&1 &) ; sleep 0.1`),
      )
      assert.equal(end, 'exited')
      assert.deepEqual(await processesNamed(mark), [])
    })

    test('a program that does not end in time is killed with all it started', async () => {
      const mark = `sonia-sleeper-${process.pid}`
      const started = performance.now()
      const { end } = await run(way, script(`exec -a ${mark} sleep 60 & trap "" TERM; sleep 60`), {
        timeoutMs: 300,
      })
      assert.equal(end, 'timeout')
      assert.ok(performance.now() - started < 3_000)
      assert.deepEqual(await processesNamed(mark), [])
    })
  })

  describe(`limited by ${way.title}`, () => {
    test('a fork bomb stops at the process limit', async () => {
      const { stderr } = await run(way, script('for i in $(seq 64); do sleep 5 & done; wait'), {
        timeoutMs: 1_500,
        limits: { processesMax: 16 },
      })
      assert.match(stderr, /fork: .*Resource temporarily unavailable/)
    })

    test('memory beyond the limit is not given', async () => {
      const { exitCode } = await run(way, ['sort', '-S', '400M', 'a.txt'], {
        limits: { memoryBytesMax: 128 * 1024 * 1024 },
      })
      assert.notEqual(exitCode, null)
      const greedy = await run(way, script('x=$(head -c 300000000 /dev/zero | tr "\\0" x); echo ${#x}'), {
        limits: { memoryBytesMax: 128 * 1024 * 1024 },
      })
      assert.doesNotMatch(greedy.stdout, /^300000000/)
    })

    test('output beyond the limit ends the program and is cut there', async () => {
      const flood = await run(way, ['yes'], { limits: { outputBytesMax: 10_000 } })
      assert.deepEqual([flood.end, flood.truncated, flood.stdout.length], ['output_limit', true, 10_000])
    })

    test('files beyond the limit are not written', async () => {
      await run(way, script('head -c 5000000 /dev/zero >big'), {
        limits: { fileBytesMax: 1_000_000 },
      })
      assert.ok(statSync(join(sandbox, 'big')).size <= 1_000_000)
      rmSync(join(sandbox, 'big'))
    })

    test('a root whose path was swapped is not entered through the new path', async () => {
      const decoy = join(home, 'swapped')
      mkdirSync(decoy)
      const held = openRoot(decoy)
      renameSync(decoy, `${decoy}-moved`)
      symlinkSync('/etc', decoy)
      const { stdout } = await run(way, ['ls'], { from: held })
      assert.equal(stdout, '')
      closeRoot(held)
      rmSync(decoy)
      rmSync(`${decoy}-moved`, { recursive: true })
    })

    test('what runs is the file that was checked, not what its path names later', async () => {
      const checked = openSync('/usr/bin/true', 'r')
      const result = await runContained(
        containment,
        {
          argv: ['/usr/bin/false'],
          programFd: checked,
          rootFd: root.fd,
          folder: [],
          limits: PROGRAM_LIMITS,
          cpuSecondsMax: 2,
        },
        { timeoutMs: 2_000, signal: new AbortController().signal },
      )
      closeSync(checked)
      assert.equal(result.exitCode, 0)
    })
  })
}

test('the first means that works is found, and one that does not is named', async () => {
  const found = await findContainment({ root, shelf, user, folders: ['/usr/bin', '/bin'] })
  assert.deepEqual([found.containment?.kind, found.problems], ['bubblewrap', []])
  const none = await findContainment({ root, shelf, user, folders: [home] })
  assert.equal(none.containment, null)
  assert.deepEqual(none.problems, ['prlimit and setpriv: not installed'])
})

/** Processes of this machine whose first word is the mark; waits a moment for the kernel to finish killing. */
async function processesNamed(mark: string): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const found = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.startsWith(mark))
    if (found.length === 0 || attempt === 20) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
