import { existsSync, writeFileSync } from 'node:fs'
import type { ContainedUser } from '../containment/contained-command.ts'

export interface LauncherTools {
  /** Where playwright tells the browser to put its profile: inside, an empty folder of the same name. */
  readonly temporary: string
  readonly bwrap: string
  readonly setpriv: string
  readonly chromium: string
}

const CHROMIUM_PATHS = [
  '/usr/lib/chromium/chromium',
  '/usr/lib/chromium-browser/chromium-browser',
  '/usr/lib64/chromium-browser/chromium-browser',
  '/usr/bin/google-chrome-stable',
]

/** The installed browser, as a program that needs nothing outside /usr. Never downloaded. */
export function findChromium(): string | undefined {
  return CHROMIUM_PATHS.find((path) => existsSync(path))
}

/**
 * Writes the program that playwright starts in place of Chromium: the same browser inside bubblewrap, without
 * network (pages reach it through us alone), without the host's files, and never as root, so that Chromium's
 * own sandbox works inside as well.
 */
export function writeLauncher(path: string, tools: LauncherTools, user: ContainedUser | null): void {
  const profile = ['--perms', '1777', '--tmpfs', tools.temporary]
  const mounts = MOUNTS.flatMap((mount) => mount.split(' '))
  const words = [tools.bwrap, ...namespaces(user), ...mounts, ...profile, '--']
  const command = [...words, ...becomeUser(tools, user), tools.chromium].map(quote).join(' ')
  writeFileSync(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o700 })
}

const MOUNTS = [
  '--ro-bind /usr /usr',
  '--symlink usr/bin /bin',
  '--symlink usr/lib /lib',
  '--symlink usr/lib64 /lib64',
  '--ro-bind-try /etc/fonts /etc/fonts',
  '--dev /dev',
  '--perms 1777 --tmpfs /dev/shm',
  '--proc /proc',
  '--perms 1777 --tmpfs /tmp',
  '--clearenv',
  '--setenv HOME /tmp',
  '--setenv LANG C.UTF-8',
  '--setenv PATH /usr/bin',
  '--chdir /tmp',
]

function namespaces(user: ContainedUser | null): readonly string[] {
  const common =
    '--unshare-ipc --unshare-pid --unshare-net --unshare-uts --die-with-parent --new-session'.split(' ')
  if (user === null) return ['--unshare-user', ...common]
  const capabilities = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].flatMap((name) => ['--cap-add', name])
  return [...common, '--cap-drop', 'ALL', ...capabilities]
}

function becomeUser({ setpriv }: LauncherTools, user: ContainedUser | null): readonly string[] {
  if (user === null) return []
  const rights = ['--clear-groups', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
  return [setpriv, `--reuid=${user.uid}`, `--regid=${user.gid}`, ...rights]
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}
