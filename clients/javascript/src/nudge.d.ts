export interface NudgeOptions {
  /** The address of Steward. */
  url: string;
  /** With the scope `score` alone, and limited to the page's origin: everybody can read it. */
  key: string;
  /** From this score on something is said; one for all attributes, or one for each. Default 0.8. */
  threshold?: number | Record<string, number>;
  /** How long the writer must pause. Default 800. */
  delayMs?: number;
  /** Texts with fewer characters are not sent. Default 8. */
  shortest?: number;
  timeoutMs?: number;
  /** `en`, `de` or `uk`; default: the language of the page. */
  language?: string;
  /** Own texts by attribute; an empty one says nothing for it. */
  messages?: Record<string, string>;
  /** Where to say it; default: a new element behind the field, with the class `steward-nudge` and the role `status`. */
  output?: HTMLElement;
}

export function nudge(
  field: HTMLTextAreaElement | HTMLInputElement,
  options: NudgeOptions,
): { element: HTMLElement; stop(): void };
