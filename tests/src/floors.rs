//! The one table of what may import what: crates, and the rooms inside each from the ground up. How imports are read and
//! held against it is in [`crate::imports`].

/// A crate of the workspace.
#[derive(Clone, Copy, Debug)]
pub struct Crate {
    /// The folder of its package.
    pub folder: &'static str,
    /// The crates of this workspace that it may name, its tests included.
    pub sees: &'static [&'static str],
    /// Crates of others that it must not name.
    pub never: &'static [&'static str],
    /// A part of a crate that it must not name.
    pub hidden: Option<(&'static str, &'static str)>,
}

const fn sees(folder: &'static str, sees: &'static [&'static str]) -> Crate {
    Crate { folder, sees, never: &[], hidden: None }
}

/// Every crate that is not `tests` or `xtask`, from the ground up.
pub const CRATES: &[Crate] = &[
    sees("model", &[]),
    Crate {
        folder: "impl",
        sees: &["syncsplit_model"],
        never: &["stateright"],
        hidden: Some(("syncsplit_model", "world")),
    },
    sees("checker/engine", &[]),
    sees("checker/search", &["syncsplit_engine", "syncsplit_model"]),
    sees("checker/study", &["syncsplit_engine", "syncsplit_model", "syncsplit_search"]),
    sees("checker/validate", &["syncsplit_model"]),
    sees("checker/conform", &["syncsplit_model", "syncsplit_study"]),
    sees(
        "checker/syncsplit",
        &[
            "syncsplit_conform",
            "syncsplit_engine",
            "syncsplit_model",
            "syncsplit_search",
            "syncsplit_study",
            "syncsplit_validate",
        ],
    ),
];

/// Folders that see `core` and these crates, and nothing else.
pub const PURE: &[(&str, &[&str])] =
    &[("model/src/protocol", &["arrayvec", "enumset", "schemars", "serde", "strum"])];

/// Crates below the command: they return values and text.
pub const SILENT: &[&str] = &[
    "model/src",
    "checker/engine/src",
    "checker/search/src",
    "checker/study/src",
    "checker/validate/src",
    "checker/conform/src",
];

/// Paths that the command alone names: arguments, progress, signals, printing and exit codes.
pub const LOUD: &[&[&str]] = &[
    &["clap"],
    &["indicatif"],
    &["ctrlc"],
    &["ExitCode"],
    &["process", "exit"],
    &["io", "stdout"],
    &["io", "stderr"],
    &["print!"],
    &["println!"],
    &["eprint!"],
    &["eprintln!"],
    &["dbg!"],
];

/// The rooms of a folder of modules.
#[derive(Clone, Copy, Debug)]
pub struct Floors {
    /// The folder, below which each module is in one room.
    pub folder: &'static str,
    /// The rooms from the ground up: a room names those before it, and modules of one room name each other.
    pub rooms: &'static [&'static [&'static str]],
}

/// The rooms inside the crates. The file that declares the modules of a folder may name them all.
pub const FLOORS: &[Floors] = &[
    Floors { folder: "model/src", rooms: &[&["protocol"], &["record"], &["system"], &["world"]] },
    Floors {
        folder: "model/src/protocol",
        rooms: &[
            &["types"],
            &["message"],
            &["containers"],
            &["step"],
            &["rules"],
            &["coordinator"],
            &["database"],
            &["sync"],
            &["primary"],
            &["replica"],
            &["requester"],
            &["secondary"],
            &["takeover"],
        ],
    },
    Floors {
        folder: "model/src/record",
        rooms: &[&["digest"], &["after"], &["flat"], &["schema"]],
    },
    Floors {
        folder: "model/src/world",
        rooms: &[
            &["bounded"],
            &["state"],
            &["action"],
            &["kind"],
            &["fault"],
            &["instance"],
            &["offer"],
            &["step"],
            &["arrays"],
            &["hosts"],
            &["values"],
            &["normal"],
            &["symmetry"],
            &["commute"],
            &["promise"],
            &["order"],
            &["property", "condition"],
            &["describe"],
            &["evidence"],
            &["lean"],
            &["parties"],
            &["verdict"],
        ],
    },
    Floors {
        folder: "checker/engine/src",
        rooms: &[
            &["crew"],
            &["guard"],
            &["keep"],
            &["limits"],
            &["packed"],
            &["liveness"],
            &["positions"],
            &["stateright"],
        ],
    },
    Floors {
        folder: "checker/engine/src/packed",
        rooms: &[
            &["pack"],
            &["layout"],
            &["prints"],
            &["arena"],
            &["table"],
            &["store"],
            &["counts"],
            &["flaw"],
            &["trace"],
            &["row"],
            &["insert"],
            &["adopt"],
            &["rehash"],
            &["snapshot"],
            &["checkpoint"],
            &["sleep"],
            &["recent"],
            &["expand"],
            &["search"],
            &["outcome"],
            &["resume"],
            &["room"],
        ],
    },
    Floors {
        folder: "checker/engine/src/liveness",
        rooms: &[
            &["bits"],
            &["label"],
            &["graph"],
            &["edges"],
            &["region"],
            &["scc"],
            &["cycle"],
            &["result"],
            &["stem"],
            &["judge"],
            &["way"],
            &["expand"],
        ],
    },
    Floors {
        folder: "checker/search/src",
        rooms: &[&["bits"], &["pack"], &["space"], &["reductions"]],
    },
    Floors {
        folder: "checker/study/src",
        rooms: &[
            &["ddmin"],
            &["instance"],
            &["coverage"],
            &["reduce"],
            &["question"],
            &["bounds"],
            &["trace"],
            &["condition"],
            &["words"],
            &["report"],
            &["reach"],
            &["case"],
            &["ablate"],
            &["checkpoint"],
            &["explore"],
            &["matrix"],
            &["explain"],
            &["pages"],
            &["replay"],
            &["simulate"],
        ],
    },
    Floors {
        folder: "checker/study/src/explain",
        rooms: &[&["topic"], &["places"], &["spec"], &["example"], &["text"]],
    },
    Floors {
        folder: "checker/study/src/trace",
        rooms: &[
            &["explanation"],
            &["diagram"],
            &["value"],
            &["variables"],
            &["meta"],
            &["itf"],
            &["mermaid"],
            &["svg"],
            &["text"],
            &["file"],
        ],
    },
    Floors {
        folder: "checker/validate/src",
        rooms: &[
            &["content"],
            &["table"],
            &["calls"],
            &["containers"],
            &["part"],
            &["pattern"],
            &["record"],
            &["log"],
            &["mapping"],
            &["read"],
            &["why"],
            &["system"],
            &["trail"],
            &["moves"],
            &["search"],
            &["report"],
        ],
    },
    Floors {
        folder: "checker/conform/src",
        rooms: &[
            &["block"],
            &["verb"],
            &["class"],
            &["script"],
            &["wire"],
            &["track"],
            &["seen"],
            &["sync"],
            &["follow"],
            &["request"],
            &["explain"],
            &["history"],
            &["left_out"],
            &["leash"],
            &["orphans"],
            &["process"],
            &["shadow"],
            &["session"],
            &["finish"],
            &["run"],
            &["directed"],
            &["stories"],
            &["random"],
            &["generated"],
            &["cases"],
            &["known"],
            &["campaign", "conclusion"],
            &["report"],
        ],
    },
    Floors {
        folder: "checker/syncsplit/src",
        rooms: &[
            &["args"],
            &["terminal"],
            &["print"],
            &["exit"],
            &["progress"],
            &["interrupt"],
            &["world"],
            &["next"],
            &["check"],
            &["conform"],
            &["explain"],
            &["explore"],
            &["list"],
            &["replay"],
            &["simulate"],
            &["study"],
            &["validate"],
        ],
    },
    Floors {
        folder: "impl/src",
        rooms: &[
            &["doorway"],
            &["clock"],
            &["payload"],
            &["volume"],
            &["error"],
            &["mailbox"],
            &["containers"],
            &["trace"],
            &["roles"],
            &["slot"],
            &["failback"],
            &["stillness"],
            &["local"],
            &["remote"],
            &["backup"],
            &["database"],
            &["frame"],
            &["transport"],
            &["link"],
            &["dial"],
            &["site"],
        ],
    },
    Floors { folder: "impl/src/frame", rooms: &[&["message"], &["codec"]] },
    Floors {
        folder: "impl/src/transport",
        rooms: &[&["channel"], &["tls"], &["stream"], &["tcp"], &["reception"]],
    },
    Floors { folder: "impl/src/local", rooms: &[&["hold"], &["link"], &["sync"]] },
    Floors { folder: "impl/src/backup", rooms: &[&["coordinator"], &["requester"]] },
    Floors {
        folder: "impl/src/site",
        rooms: &[&["config"], &["threads"], &["base"], &["local"], &["remote"], &["manual"]],
    },
];
