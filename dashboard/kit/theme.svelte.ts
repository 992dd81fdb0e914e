// Light, dark or as the system is. `boot.js` has already set the attribute for the first paint.

export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const key = 'roost.theme'
const system = matchMedia('(prefers-color-scheme: dark)')

function stored(): Theme {
  try {
    const value = localStorage.getItem(key)
    return value === 'light' || value === 'dark' ? value : 'auto'
  } catch {
    return 'auto'
  }
}

class ThemeChoice {
  chosen = $state<Theme>(stored())
  #systemIsDark = $state(system.matches)
  shown = $derived<'light' | 'dark'>(
    this.chosen === 'auto' ? (this.#systemIsDark ? 'dark' : 'light') : this.chosen,
  )

  constructor() {
    system.addEventListener('change', (event) => {
      this.#systemIsDark = event.matches
      this.#apply()
    })
  }

  choose(theme: Theme) {
    this.chosen = theme
    try {
      if (theme === 'auto') localStorage.removeItem(key)
      else localStorage.setItem(key, theme)
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    this.#apply()
  }

  #apply() {
    document.documentElement.dataset.theme = this.shown
  }
}

export const theme = new ThemeChoice()
