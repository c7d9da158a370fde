import LosslessJSON
import Mappings
import Testing

@Suite struct `Mapping rules` {
    private static let event = """
        {"s":"str","n":1.10,"big":12345678901234567890,"zero":0.0,"nil":null,"f":false,"list":[1,[2,null],{"a":1}],\
        "":{"":"empty key"},"$":{"a":"dollar"},"length":7,"obj":{"constructor":"own","a.b":"dot","x'y":1,"[k]":2,\
        "length":"own length","00":3},"accents":"É ſ K","text":"a$.b"}
        """

    static let outputs: [(mapping: String, output: String)] = [
        // Undefined is removed at every depth and keeps its slot in lists.
        (
            #"{"a":{"b":{"c":{"@path":"$.x"}}},"d":[{"e":{"@path":"$.x"}},[{"@path":"$.x"}]]}"#,
            #"{"a":{"b":{}},"d":[{},[null]]}"#
        ),
        (
            #"{"a":{"@if":{"exists":{"@path":"$.x"},"then":1}},"b":[{"@if":{"exists":{"@path":"$.x"}}}]}"#,
            #"{"b":[null]}"#
        ),
        (
            #"{"a":{"@json":{"mode":"encode","value":{"x":{"@path":"$.x"},"y":[{"@path":"$.x"}]}}}}"#,
            #"{"a":"{\"y\":[null]}"}"#
        ),
        // Prototype names are keys like any other.
        (
            #"{"a":{"@path":"$.obj.constructor"},"b":{"@path":"$.constructor"},"c":{"@path":"$.__proto__"}}"#,
            #"{"a":"own"}"#
        ),
        (
            #"{"__proto__":1,"constructor":{"@path":"$.s"},"hasOwnProperty":null}"#,
            #"{"__proto__":1,"constructor":"str","hasOwnProperty":null}"#
        ),
        (
            #"{"a":{"@merge":{"direction":"right","objects":[{"__proto__":{"x":1}},{"toString":2}]}}}"#,
            #"{"a":{"__proto__":{"x":1},"toString":2}}"#
        ),
        (#"{"a":{"@template":"{{constructor}}{{__proto__.x}}{{s.toString}}"}}"#, #"{"a":""}"#),
        // Paths.
        (
            #"""
            {"a":{"@path":"$"}, "b":{"@path":"$.$.a"}, "c":{"@path":"$.obj['a.b']"},
             "d":{"@path":"$.obj[\"x'y\"]"}}
            """#,
            #"{"a":\#(event),"b":"dollar","c":"dot","d":1}"#
        ),
        (
            #"{"a":{"@path":"$.['']['']"},"b":{"@path":"$.list[1][0]"},"c":{"@path":"$.list.2.a"}}"#,
            #"{"a":"empty key","b":2,"c":1}"#
        ),
        (
            #"{"a":{"@path":"$..s"},"b":{"@path":"$.obj..constructor."},"c":{"@path":"$.obj.[k]"}}"#,
            #"{"a":"str","b":"own","c":2}"#
        ),
        (
            #"""
            {"a":{"@path":"$.length"},"b":{"@path":"$.s.length"},"c":{"@path":"$.obj.length"},
            "d":{"@path":"$.n.length"}}
            """#,
            #"{"a":7,"b":3,"c":"own length"}"#
        ),
        (
            #"""
            {"a":{"@path":"$.s[0]"},"b":{"@path":"$.nil.x"},"c":{"@path":"$.f.x"},
            "d":{"@path":"$.list[99999999999]"}}
            """#,
            "{}"
        ),
        (
            #"{"a":{"@path":"obj['x'y']"},"b":{"@path":"obj['constructor"},"c":{"@path":"list['0']"}}"#,
            #"{"a":1,"c":1}"#
        ),
        // Numbers keep their text in texts.
        (
            #"{"a":{"@template":"{{n}} {{big}} {{zero}} {{list}}"}}"#,
            #"{"a":"1.10 12345678901234567890 0.0 1,2,,[object Object]"}"#
        ),
        (#"{"a":{"@replace":{"pattern":"x","value":{"@path":"$.n"}}}}"#, #"{"a":"1.10"}"#),
        (#"{"a":{"@template":"{{$.a}}{{$.s}}{{ }}{{{s}}{{s}}}"}}"#, #"{"a":"dollar{{ }}{strstr}"}"#),
        (#"{"a":{"@template":"{{obj['a.b']}}"}}"#, #"{"a":"dot"}"#),
        // @if
        (#"{"a":{"@if":{"blank":{"@path":"$.zero"},"then":1,"else":""}}}"#, #"{"a":""}"#),
        (
            #"{"a":{"@if":{"blank":{},"then":1,"else":0}},"b":{"@if":{"blank":[],"then":1,"else":0}}}"#,
            #"{"a":1,"b":0}"#
        ),
        (#"{"a":{"@if":{"exists":{"@path":"$.nil"},"blank":"x","then":1,"else":null}}}"#, #"{"a":null}"#),
        // Only the branch that is taken is evaluated.
        (#"{"a":{"@if":{"exists":1,"then":2,"else":{"@path":{"@path":"$.x"}}}}}"#, #"{"a":2}"#),
        // @replace
        (
            #"{"a":{"@replace":{"pattern":"é","replacement":"e","ignorecase":true,"value":{"@path":"$.accents"}}}}"#,
            #"{"a":"e ſ K"}"#
        ),
        (#"{"a":{"@replace":{"pattern":"aa","replacement":"b","value":"aaaaa"}}}"#, #"{"a":"bba"}"#),
        (
            #"""
            {"a":{"@replace":{"pattern":"a","replacement":"aa","pattern2":"aa","replacement2":"b",
            "global":false,"value":"aa"}}}
            """#,
            #"{"a":"ba"}"#
        ),
        (#"{"a":{"@replace":{"pattern":"a","pattern2":"","replacement2":"x","value":"ab"}}}"#, #"{"a":"b"}"#),
        (
            #"""
            {"a":{"@replace":{"pattern":"a","value":["a"]}},"b":{"@replace":{"pattern":"a",
            "value":{"@path":"$.f"}}}}
            """#,
            #"{"a":"","b":"flse"}"#
        ),
        // An accent that stands by itself is not replaced with its letter: comparison is by scalar.
        (#"{"a":{"@replace":{"pattern":"e","replacement":"x","value":"e\u0301"}}}"#, #"{"a":"x\u0301"}"#),
        // @arrayPath
        (
            #"{"a":{"@arrayPath":[{"@json":{"mode":"decode","value":"[{\"i\":1}]"}},{"j":{"@path":"$.i"}}]}}"#,
            #"{"a":[{"j":1}]}"#
        ),
        (
            #"{"a":{"@arrayPath":["$.list",{"v":{"@path":"$.a"},"all":{"@path":"$"}}]}}"#,
            #"{"a":[{"all":1},{"all":[2,null]},{"v":1,"all":{"a":1}}]}"#
        ),
        (#"{"a":{"@arrayPath":["$.list",{"@path":"$.a"}]}}"#, #"{"a":[null,null,1]}"#),
        (#"{"a":{"@arrayPath":["$.obj",{"@path":"$.nothing"}]}}"#, #"{"a":[null]}"#),
        // @merge
        (
            #"{"a":{"@merge":{"direction":"left","objects":[{"x":{"@path":"$.nothing"}},{"x":1,"y":2}]}}}"#,
            #"{"a":{"y":2}}"#
        ),
        (
            #"""
            {"a":{"@merge":{"direction":"right","objects":[{"x":1},{"@merge":{"direction":"right",
            "objects":[{"x":{"@path":"$.no"}}]}}]}}}
            """#,
            #"{"a":{}}"#
        ),
        (
            #"""
            {"a":{"@merge":{"direction":"right","objects":[{"x":1},{"@if":{"exists":1,
            "then":{"x":{"@path":"$.no"},"y":1}}}]}}}
            """#,
            #"{"a":{"y":1}}"#
        ),
        (#"{"a":{"@merge":{"direction":"right","objects":[{"x":{"@path":"$.no"}},{"x":1}]}}}"#, #"{"a":{"x":1}}"#),
        (
            #"{"a":{"@merge":{"direction":"right","objects":[null,{"@path":"$.nil"},{"@if":{"exists":1}}]}}}"#,
            #"{"a":{}}"#
        ),
        // @transform, @json, @flatten, @excludeWhenNull
        (
            #"{"a":{"@transform":{"apply":{"o":{"@path":"$.obj"}},"mapping":{"@path":"$.o.constructor"}}}}"#,
            #"{"a":"own"}"#
        ),
        (
            #"""
            {"a":{"@json":{"mode":"encode","value":{"@path":"$.nil"}}},"b":{"@json":{"mode":"encode",
            "value":{"@path":"$.n"}}}}
            """#,
            #"{"a":"null","b":"1.10"}"#
        ),
        (#"{"a":{"@json":{"mode":"decode","value":{"@path":"$.nil"}}}}"#, #"{"a":null}"#),
        (
            #"{"a":{"@flatten":{"separator":".","value":{"a.b":1,"a":{"b":2,"c":[[3]]}}}}}"#,
            #"{"a":{"a.b":2,"a.c.0.0":3}}"#
        ),
        (
            #"""
            {"a":{"@flatten":{"separator":".","value":{"@path":"$.nothing"}}},
            "b":{"@flatten":{"separator":".","value":null}}}
            """#,
            #"{"b":{"":null}}"#
        ),
        (#"{"a":{"@flatten":{"separator":".","omitArrays":true,"value":[1,{"x":2}]}}}"#, #"{"a":{"":[1,{"x":2}]}}"#),
        (
            #"{"a":{"@excludeWhenNull":{"x":null,"y":{"z":null},"l":[null,{"m":null}]}}}"#,
            #"{"a":{"y":{},"l":[null,{"m":null}]}}"#
        ),
        (#"{"a":{"@excludeWhenNull":{"@path":"$.nothing"}}}"#, "{}"),
        // Any argument may be a directive.
        (
            #"""
            {"a":{"@case":{"operator":{"@literal":"upper"},"value":"x"}},
            "b":{"@replace":{"pattern":{"@path":"$.s"},"value":"a str"}}}
            """#,
            #"{"a":"X","b":"a "}"#
        ),
        // Notes mean nothing, wherever arguments stand.
        (
            #"""
            {"a":{"@case":{"operator":"upper","value":"x","_metadata":1},"_metadata":{"@nope":1}},
            "b":{"_metadata":1}}
            """#,
            #"{"a":"X","b":{"_metadata":1}}"#
        ),
        // Reserved top-level keys.
        (
            #"""
            {"__segment_internal_directive":{"@transform":{"apply":{"v":{"@path":"$.n"}}}},
            "a":{"@path":"$.v"},"b":{"@path":"$.s"}}
            """#,
            #"{"a":1.1}"#
        ),
        (
            #"""
            {"__segment_internal_sync_mode":"add","__segment_internal_matching_key":"x",
            "a":{"__segment_internal_x":1}}
            """#,
            #"{"a":{"__segment_internal_x":1}}"#
        ),
        // A directive at the top, and no directive at all.
        (#"{"@path":"$.list"}"#, #"[1,[2,null],{"a":1}]"#),
        (#"[1,{"@path":"$.s"}]"#, #"[1,"str"]"#),
        (#""$.s""#, #""$.s""#),
    ]

    @Test(arguments: outputs)
    func `the language does what it says`(row: (mapping: String, output: String)) throws {
        let found = try output(row.mapping, on: Self.event)
        #expect(found == (try json(row.output)), "\(found?.description ?? "undefined")")
    }

    @Test func `undefined at the top is nil`() throws {
        #expect(try output(#"{"@path":"$.x"}"#).map(\.description) == nil)
    }

    @Test func `values keep their text and their order`() throws {
        let event = #"{"p":{"z":1.10,"a":1e2,"m":12345678901234567890}}"#
        let found = try output(#"{"y":{"@path":"$.p"},"b":3.00}"#, on: event)
        #expect(found?.description == #"{"y":{"z":1.10,"a":1e2,"m":12345678901234567890},"b":3.00}"#)
    }

    @Test func `keys are compared by their bytes`() throws {
        let event = "{\"e\u{301}\":1,\"\u{E9}\":2}"
        let mapping = "{\"a\":{\"@path\":\"$.\u{E9}\"},\"b\":{\"@path\":\"$.e\u{301}\"}}"
        #expect(try output(mapping, on: event) == ["a": 2, "b": 1])
        let merged = "{\"@merge\":{\"direction\":\"right\",\"objects\":[{\"e\u{301}\":1},{\"\u{E9}\":2}]}}"
        #expect(try output(merged)?.objectValue?.count == 2)
    }

    @Test func `text that is decoded may not be deeper or longer than the bounds`() throws {
        func decoded(_ text: String) throws -> JSON? {
            try Mapping(["@json": ["mode": "decode", "value": ["@path": "$.t"]]]).apply(to: ["t": .string(text)])
        }
        let deep = String(repeating: "[", count: 129) + String(repeating: "]", count: 129)
        #expect(try decoded(deep) == .string(deep))
        #expect(try decoded(String(deep.dropFirst().dropLast()))?.arrayValue != nil)
        let long = "[\"" + String(repeating: "x", count: 4 << 20) + "\"]"
        #expect(try decoded(long) == .string(long))
    }

    @Test func `texts and keys that would grow without end fail`() throws {
        let long = JSON.string(String(repeating: "x", count: 1 << 20))
        let repeated = JSON.string(String(repeating: "{{t}}", count: 5))
        #expect(throws: MappingError.self) {
            try Mapping(["@template": ["@path": "$.p"]]).apply(to: ["t": long, "p": repeated])
        }
        #expect(throws: MappingError.self) {
            try Mapping(["@replace": ["pattern": "x", "replacement": "xxxxx", "value": ["@path": "$.t"]]])
                .apply(to: ["t": long])
        }
        var encoding: JSON = ["@path": "$.t"]
        for _ in 0..<30 { encoding = ["@json": ["mode": "encode", "value": encoding]] }
        #expect(throws: MappingError.self) { try Mapping(encoding).apply(to: ["t": "\""]) }
        let members = (0..<100).map { JSON.Object.Member(key: String($0), value: 1) }
        let wide = JSON.object(JSON.Object(uniqueMembers: members))
        let key = String(repeating: "k", count: 1 << 16)
        #expect(throws: MappingError.self) {
            try Mapping(["@flatten": ["separator": ".", "value": ["@path": "$.t"]]])
                .apply(to: ["t": .object(JSON.Object(uniqueMembers: [.init(key: key, value: wide)]))])
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["['", "[\"", "[", "{{", "{{{", "$.", "[0]", "{{a"])
    func `hostile paths and templates take linear time`(piece: String) throws {
        let hostile = JSON.string(String(repeating: piece, count: 200_000))
        _ = try Mapping(["@path": ["@path": "$.t"]]).apply(to: ["t": hostile])
        _ = try? Mapping(["@template": ["@path": "$.t"]]).apply(to: ["t": hostile])
        _ = try? Mapping(hostile, dialect: .short)
    }
}
