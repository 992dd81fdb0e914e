// How every text input looks. On phones the text is 16 px, because smaller makes them zoom in on focus.

export const inputLook = (invalid: boolean) => [
  'h-control w-full min-w-0 rounded-control border bg-surface px-3 text-14 max-sm:text-16',
  'transition-colors duration-120 hover:border-text',
  invalid ? 'border-danger-text' : 'border-control',
]
