/* Completion scripts: all of them ask `leat complete`, so that there is one place that knows. */
#include "cli/cli.h"

#include <string.h>

static const struct {
    const char *shell, *script;
} scripts[] = {
    {"bash", "_leat() {\n"
             "    local line cur=${COMP_WORDS[COMP_CWORD]} files=\n"
             "    COMPREPLY=()\n"
             "    while IFS= read -r line; do\n"
             "        case $line in\n"
             "            :files) files=1 ;;\n"
             "            *) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
             "        esac\n"
             "    done < <(\"${COMP_WORDS[0]}\" complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
             "2>/dev/null)\n"
             "    if [ -n \"$files\" ]; then\n"
             "        compopt -o filenames 2>/dev/null\n"
             "        [ \"$cur\" = = ] && cur=\n"
             "        while IFS= read -r line; do\n"
             "            COMPREPLY+=(\"$line\")\n"
             "        done < <(compgen -f -- \"$cur\")\n"
             "    fi\n"
             "}\n"
             "complete -F _leat leat\n"},
    {"zsh", "#compdef leat\n"
            "_leat() {\n"
            "    local line files=\n"
            "    local -a found\n"
            "    while IFS= read -r line; do\n"
            "        case $line in\n"
            "            :files) files=1 ;;\n"
            "            *) line=${line//:/\\\\:}; found+=(\"${line/$'\\t'/:}\") ;;\n"
            "        esac\n"
            "    done < <(${words[1]} complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
            "    (( $#found )) && _describe -V leat found\n"
            "    [[ -n $files ]] && _files\n"
            "}\n"
            "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u; }\n"
            "compdef _leat leat\n"},
    {"fish", "function __leat_complete\n"
             "    set -l words (commandline -opc)\n"
             "    set -l current (commandline -ct)\n"
             "    for line in ($words[1] complete -- $words[2..-1] \"$current\" 2>/dev/null)\n"
             "        if test \"$line\" = :files\n"
             "            __fish_complete_path \"$current\"\n"
             "        else\n"
             "            echo $line\n"
             "        end\n"
             "    end\n"
             "end\n"
             "complete -c leat -f -a '(__leat_complete)'\n"},
};

int cli_completion(struct cli *cli)
{
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (!strcmp(scripts[i].shell, cli->args[0])) {
            fputs(scripts[i].script, stdout);
            return 0;
        }
    }
    struct leat_error err = {0};
    leat_fail_as(&err, LEAT_INVALID, "usage", "completion is for bash, zsh or fish");
    cli_print_error(cli, &err, NULL);
    return EXIT_REFUSED;
}
