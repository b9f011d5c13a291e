import type { Page } from 'playwright-core'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { TEXT_CHARACTERS_MAX, TITLE_CHARACTERS_MAX } from './page-text.ts'

const Reading = Type.Object({ title: Type.String(), text: Type.String() })

/**
 * Cuts where the text is, so that a page that writes gigabytes costs the browser that memory and not us. Prototypes are
 * asked because elements with names hide the document's own properties.
 */
const READ = `(() => {
  const find = Document.prototype.querySelector.bind(document)
  return {
    title: (find('title')?.textContent ?? '').slice(0, ${TITLE_CHARACTERS_MAX}),
    text: (find('body')?.innerText ?? '').slice(0, ${TEXT_CHARACTERS_MAX}),
  }
})()`

/** Title and text of a loaded page, read in a world of its own: what the page did to its prototypes is not met there. */
export async function readView(view: Page): Promise<{ readonly title: string; readonly text: string }> {
  const session = await view.context().newCDPSession(view)
  const { frameTree } = await session.send('Page.getFrameTree')
  const { executionContextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
    worldName: 'openclaw',
  })
  const { result } = await session.send('Runtime.evaluate', {
    contextId: executionContextId,
    expression: READ,
    returnByValue: true,
  })
  const value: unknown = result.value
  if (!Check(Reading, value)) throw new Error('The page could not be read')
  return { title: value.title.replace(/\s+/g, ' ').trim(), text: value.text }
}
