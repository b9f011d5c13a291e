import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainedUser, Containment } from '../containment/contained-command.ts'
import { findChromium, writeLauncher } from './chromium-launcher.ts'
import { type ChromiumSettings, type PageRenderer, chromiumRenderer } from './chromium.ts'

export interface RendererSearch extends Omit<ChromiumSettings, 'executable'> {
  /** Where the launcher is written. */
  readonly folder: string
  /** The containment that works here; only bubblewrap can hold a browser. */
  readonly containment: Containment['kind'] | null
  readonly user: ContainedUser | null
}

const BWRAP = '/usr/bin/bwrap'
const SETPRIV = '/usr/bin/setpriv'

/** A contained Chromium, or null where none is installed or it cannot be contained: then plain HTTP. */
export function findRenderer(search: RendererSearch): PageRenderer | null {
  const chromium = findChromium()
  const isContainable = search.containment === 'bubblewrap' && existsSync(BWRAP) && existsSync(SETPRIV)
  if (chromium === undefined || !isContainable) return null
  const executable = join(search.folder, 'chromium-contained')
  const temporary = tmpdir()
  writeLauncher(executable, { bwrap: BWRAP, setpriv: SETPRIV, chromium, temporary }, search.user)
  return chromiumRenderer({ ...search, executable })
}
