/** A module that MultiSymbolReplay cannot use: it throws when it is imported. */
throw new Error('this module does not load')
