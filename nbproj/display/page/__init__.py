"""An executed notebook as one page of HTML that is read anywhere: offline, without scripts, light and dark, with the failing cell marked."""
