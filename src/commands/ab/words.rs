//! [`words`]: the flags of `ab`, made from those of `run`.

/// Flags of `run` that say what `ab` says otherwise.
const NOT_HERE: [&str; 14] = [
    "duration",
    "requests",
    "stages",
    "spawn_rate",
    "host",
    "current_rate",
    "replay",
    "speed",
    "abort_on_fail",
    "monitors",
    "monitor_interval",
    "prometheus",
    "otlp",
    "summary",
];

/// The verb's words: those of `run`, with another default where the head of a block is meant and without
/// those that have no place here.
pub(in crate::commands) fn words(command: clap::Command) -> clap::Command {
    let hidden = NOT_HERE
        .iter()
        .fold(command, |command, name| command.mut_arg(name, |argument| argument.hide(true)));
    hidden
        .mut_arg("warmup", |argument| {
            argument
                .default_value("3s")
                .help("Duration of load at the head of each block that is excluded")
        })
        .mut_arg("find_max_rps", |argument| {
            argument.help("Search for the highest rate of both sides in turns and compare the two")
        })
        .mut_arg("markdown", |argument| {
            argument
                .help("Print the comparison as Markdown, for a pull request, or write it to FILE")
        })
        .mut_arg("effort", |argument| argument.default_value("quick"))
}
