"""Which category a program belongs to: a shipped table, so that no name needs to be kept.

Names are what X11 calls ``WM_CLASS`` (lower case), and what other systems call the program. A name
that is not here becomes ``other`` and a number that means something on this laptop only.
"""

from collections.abc import Iterator

_PROGRAMS = {
    "browser": "firefox firefox-esr navigator chromium chromium-browser google-chrome chrome"
    " brave-browser brave microsoft-edge msedge vivaldi vivaldi-stable opera epiphany falkon"
    " konqueror safari arc librewolf qutebrowser tor-browser iexplore midori",
    "mail": "thunderbird evolution geary kmail outlook mailspring claws-mail apple-mail mutt"
    " sylpheed betterbird protonmail-bridge",
    "calendar": "gnome-calendar korganizer calendar fantastical merkuro",
    "chat": "slack discord telegram-desktop telegramdesktop signal element mattermost"
    " rocketchat hexchat pidgin whatsapp zulip teams-for-linux messages fractal",
    "meeting": "zoom teams microsoft-teams webex jitsi-meet skype gotomeeting facetime",
    "terminal": "xterm uxterm gnome-terminal gnome-terminal-server konsole alacritty kitty"
    " terminator tilix urxvt rxvt xfce4-terminal lxterminal st foot wezterm"
    " org.wezfurlong.wezterm terminal iterm2 windowsterminal cmd powershell guake yakuake"
    " ghostty ptyxis kgx eterm",
    "editor": "code vscode code-oss codium vscodium sublime_text gedit kate kwrite emacs gvim vim"
    " neovide jetbrains-idea jetbrains-pycharm jetbrains-pycharm-ce jetbrains-clion"
    " jetbrains-webstorm jetbrains-goland idea pycharm geany mousepad xed xedit pluma"
    " notepad notepad++ atom zed eclipse netbeans android-studio xcode devenv"
    " gnome-text-editor org.gnome.texteditor leafpad featherpad",
    "writer": "libreoffice-writer winword word abiword texmaker texstudio lyx pages focuswriter"
    " onlyoffice desktopeditors",
    "spreadsheet": "libreoffice-calc excel gnumeric numbers",
    "slides": "libreoffice-impress powerpnt powerpoint keynote",
    "reader": "evince okular xpdf zathura acroread acrobat foliate calibre mupdf qpdfview atril"
    " sumatrapdf preview papers",
    "notes": "obsidian joplin simplenote zim onenote standard-notes gnote tomboy notion logseq"
    " xpad",
    "files": "nautilus org.gnome.nautilus dolphin thunar nemo pcmanfm caja explorer finder"
    " ranger doublecmd krusader spacefm pcmanfm-qt xfe",
    "design": "gimp inkscape krita figma figma-linux blender scribus photoshop illustrator xd"
    " sketch pencil drawio libreoffice-draw penpot darktable",
    "image": "eog gwenview feh shotwell gthumb ristretto sxiv nomacs viewnior imv xloadimage"
    " loupe photos display",
    "video": "vlc mpv totem celluloid smplayer kdenlive obs shotcut openshot quicktime"
    " handbrake ghb",
    "music": "spotify rhythmbox audacious clementine strawberry audacity itunes music lollypop"
    " elisa amarok deadbeef",
    "database": "dbeaver pgadmin4 mysql-workbench-bin sqlitebrowser beekeeper-studio"
    " jetbrains-datagrip datagrip mongodb-compass ssms tableplus",
    "crm": "salesforce hubspot sugarcrm",
    "finance": "gnucash kmymoney homebank quickbooks skrooge sap saplogon",
    "hr": "workday personio orangehrm",
    "ticketing": "jira youtrack zendesk redmine",
    "wiki": "confluence zeal kiwix dash",
    "remote": "remmina org.remmina.remmina anydesk teamviewer vncviewer krdc xfreerdp"
    " rdesktop tigervnc rustdesk mstsc nxplayer",
    "virtual-machine": "virtualbox virtualbox-machine virt-manager vmware vmplayer qemu"
    " gnome-boxes qemu-system-x86_64 parallels",
    "monitoring": "gnome-system-monitor ksysguard htop wireshark xload taskmgr"
    " plasma-systemmonitor xosview mission-center",
    "settings": "gnome-control-center systemsettings xfce4-settings-manager pavucontrol"
    " system-preferences nm-connection-editor blueman-manager obconf lxappearance xfontsel"
    " systemsettings5",
    "launcher": "rofi dmenu albert ulauncher gnome-shell plasmashell krunner xfce4-appfinder"
    " alfred raycast synapse",
    "screenshot": "flameshot spectacle gnome-screenshot scrot ksnip shutter snippingtool"
    " xfce4-screenshooter",
    "translator": "deepl dialect crow-translate goldendict",
    "map": "gnome-maps marble qgis josm googleearth",
    "cad": "freecad librecad openscad kicad acad solidworks qcad",
    "statistics": "rstudio jupyterlab matlab octave-gui spss jamovi stata spyder jasp weka",
    "calculator": "gnome-calculator kcalc galculator xcalc calculator qalculate qalculate-gtk"
    " speedcrunch org.gnome.calculator",
    "clock": "xclock gnome-clocks kclock oclock",
    "archive": "file-roller ark xarchiver 7zfm engrampa peazip",
    "print": "system-config-printer simple-scan xsane skanlite",
    "store": "gnome-software discover synaptic pamac-manager plasma-discover snap-store",
    "game": "steam minecraft lutris gnome-mines gnome-chess kpat supertuxkart heroic",
    "other": "xeyes xev",
}

# Programs that exist to hold secrets: the gate never opens for them, whatever the settings say.
ALWAYS_EXCLUDED = (
    "keepass*", "org.keepassxc*", "1password*", "bitwarden*", "dashlane*", "lastpass*",
    "enpass*", "seahorse*", "org.gnome.seahorse*", "kwalletmanager*", "gcr-prompter*", "pinentry*",
    "polkit-*", "*polkit*agent*", "*askpass*", "gksu*", "*kdesu*", "lxqt-sudo*", "gpa",
    "kleopatra*", "proton-pass*", "veracrypt*", "gnome-screensaver*", "xscreensaver*", "i3lock*",
    "light-locker*", "lightdm*", "credentialuibroker*", "keychain*",
)  # fmt: skip


def _pairs() -> Iterator[tuple[str, str]]:
    for category, names in _PROGRAMS.items():
        for name in names.split():
            yield name, category


CATEGORY_OF = dict(_pairs())
"""Category by lower-case program name; each name stands in the table once (tested)."""
